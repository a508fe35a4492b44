/** `[start:stop:step]` of lists and of text, where it counts code points. */
import { countPoints, pointsOf, unitOf } from './code-points.ts'
import { evaluationError } from './jmespath-error.ts'
import type { Json } from './json-value.ts'
import type { Meter } from './meter.ts'
import type { Node } from './syntax-tree.ts'
import { joined } from './text-blocks.ts'

/** The places that are named: so many from the first one, so far apart. */
interface Span {
  readonly first: number
  readonly count: number
  readonly by: number
}

/** How many places are taken between two counts. */
const stride = 512

/** The items that a slice names. Throws JMESPATH_RUNTIME_ERROR when its step is 0. */
export function sliceList(slice: Node<'slice'>, list: readonly Json[], meter: Meter): readonly Json[] {
  const span = spanOf(slice, list.length)
  meter.makePlaces(span.count)
  if (span.by !== 1) return picked(list, null, span, meter)
  meter.step(span.count >> 3)
  return list.slice(span.first, span.first + span.count)
}

/** The code points that a slice names. Throws JMESPATH_RUNTIME_ERROR when its step is 0. */
export function sliceText(slice: Node<'slice'>, text: string, meter: Meter): string {
  if (slice.step === null || slice.step === 1) {
    const { first, count } = spanOf(slice, countPoints(text, meter))
    meter.make(count)
    return text.slice(unitOf(text, first, meter), unitOf(text, first + count, meter))
  }
  const points = pointsOf(text, meter)
  const span = spanOf(slice, points.length)
  meter.makePlaces(2 * span.count)
  return joined(picked(points, '', span, meter), '', meter)
}

function spanOf({ start, stop, step, at }: Node<'slice'>, length: number): Span {
  const by = step ?? 1
  if (by === 0) throw evaluationError(at, 'the step of a slice cannot be 0')
  const within = (place: number): number => {
    const counted = place < 0 ? place + length : place
    return by > 0 ? Math.min(Math.max(counted, 0), length) : Math.min(Math.max(counted, -1), length - 1)
  }
  const first = start === null ? (by > 0 ? 0 : length - 1) : within(start)
  const end = stop === null ? (by > 0 ? length : -1) : within(stop)
  return { first, count: Math.max(0, Math.ceil((end - first) / by)), by }
}

function picked<T>(items: ArrayLike<T>, absent: T, { first, count, by }: Span, meter: Meter): readonly T[] {
  const taken: T[] = []
  for (let index = 0; index < count; index++) {
    if (index % stride === 0) meter.step(Math.min(stride, count - index))
    taken.push(items[first + index * by] ?? absent)
  }
  return taken
}
