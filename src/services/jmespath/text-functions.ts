import { countPoints, pointsOf, slicePoints } from './code-points.ts'
import { type Call, type JmespathFunction, takes } from './function-signature.ts'
import type { Json } from './json-value.ts'

/** What is trimmed when nothing is named. */
const whiteSpace = /[\s\u0085]/

/** Functions of text. Positions and widths count code points. */
export const textFunctions: readonly (readonly [name: string, found: JmespathFunction])[] = [
  ['starts_with', takes(['string', 'string'], ([text, start]) => text.startsWith(start))],
  ['ends_with', takes(['string', 'string'], ([text, end]) => text.endsWith(end))],
  ['lower', takes(['string'], ([text], call) => made(text.length, call) && text.toLowerCase())],
  ['upper', takes(['string'], ([text], call) => made(text.length, call) && text.toUpperCase())],
  [
    'find_first',
    takes(['string', 'string', 'number?', 'number?'], ([text, sought, start, end], call) =>
      find(text, sought, start, end, 'indexOf', call),
    ),
  ],
  [
    'find_last',
    takes(['string', 'string', 'number?', 'number?'], ([text, sought, start, end], call) =>
      find(text, sought, start, end, 'lastIndexOf', call),
    ),
  ],
  [
    'pad_left',
    takes(['string', 'number', 'string?'], ([text, width, pad], call) => padding(text, width, pad, call) + text),
  ],
  [
    'pad_right',
    takes(['string', 'number', 'string?'], ([text, width, pad], call) => text + padding(text, width, pad, call)),
  ],
  [
    'replace',
    takes(['string', 'string', 'string', 'number?'], ([text, old, by, count], call) => {
      const most = natural(count, 'count', call)
      const cuts = Math.min(cutsIn(text, old, call), most ?? Number.POSITIVE_INFINITY)
      made(text.length + cuts * by.length, call)
      const parts = partsOf(text, old, call)
      const [replaced, kept] = [parts.slice(0, cuts + 1), parts.slice(cuts + 1)]
      return [replaced.join(by), ...kept].join(old)
    }),
  ],
  [
    'split',
    takes(['string', 'string', 'number?'], ([text, by, count], call): Json => {
      const most = natural(count, 'count', call)
      if (text === '' && by === '') return []
      const parts = partsOf(text, by, call)
      if (most === undefined || most >= parts.length - 1) return parts
      return [...parts.slice(0, most), parts.slice(most).join(by)]
    }),
  ],
  ['trim', takes(['string', 'string?'], ([text, chars], call) => trimmed(text, chars, true, true, call))],
  ['trim_left', takes(['string', 'string?'], ([text, chars], call) => trimmed(text, chars, true, false, call))],
  ['trim_right', takes(['string', 'string?'], ([text, chars], call) => trimmed(text, chars, false, true, call))],
]

/** Counts a text of about this length; always true. */
function made(length: number, { meter }: Call): boolean {
  meter.step(1 + (length >> 3))
  meter.make(length)
  return true
}

function natural(value: number | undefined, name: string, { fail }: Call): number | undefined {
  if (value !== undefined && !(Number.isSafeInteger(value) && value >= 0)) fail(`${name} must be a whole number from 0`)
  return value
}

function whole(value: number | undefined, name: string, { fail }: Call): number | undefined {
  if (value !== undefined && !Number.isSafeInteger(value)) fail(`${name} must be a whole number`)
  return value
}

function find(
  text: string,
  sought: string,
  start: number | undefined,
  end: number | undefined,
  method: 'indexOf' | 'lastIndexOf',
  call: Call,
): number | null {
  const [from, to] = [
    Math.max(0, whole(start, 'start', call) ?? 0),
    Math.max(0, whole(end, 'end', call) ?? text.length),
  ]
  if (text === '' || sought === '') return null
  const part = slicePoints(pointsOf(text, call.meter), from, to)
  const at = part[method](sought)
  return at === -1 ? null : from + countPoints(part.slice(0, at), call.meter)
}

function padding(text: string, width: number, pad: string | undefined, call: Call): string {
  const wanted = natural(width, 'width', call) ?? 0
  if (pad !== undefined && countPoints(pad, call.meter) !== 1) return call.fail('the padding must be one character')
  const missing = Math.max(0, wanted - countPoints(text, call.meter))
  made(missing * 2, call)
  return (pad ?? ' ').repeat(missing)
}

/** How often a text can be cut where another occurs in it; by nothing, between its code points. */
function cutsIn(text: string, by: string, { meter }: Call): number {
  if (by === '') return Math.max(0, countPoints(text, meter) - 1)
  meter.step(1 + (text.length >> 3))
  let cuts = 0
  for (let at = text.indexOf(by); at !== -1; at = text.indexOf(by, at + by.length)) {
    meter.step()
    cuts++
  }
  return cuts
}

/** What those cuts leave; counted before it is made. */
function partsOf(text: string, by: string, call: Call): readonly string[] {
  call.meter.makePlaces(cutsIn(text, by, call))
  return by === '' ? Array.from(pointsOf(text, call.meter)) : text.split(by)
}

function trimmed(text: string, chars: string | undefined, left: boolean, right: boolean, call: Call): string {
  const points = pointsOf(text, call.meter)
  const set = chars === undefined || chars === '' ? undefined : new Set(pointsOf(chars, call.meter))
  const isTrimmed = (index: number): boolean => {
    const point = points[index] ?? ''
    return set === undefined ? whiteSpace.test(point) : set.has(point)
  }
  let [start, end] = [0, points.length]
  while (left && start < end && isTrimmed(start)) start++
  while (right && end > start && isTrimmed(end - 1)) end--
  call.meter.step(start + points.length - end)
  return slicePoints(points, start, end)
}
