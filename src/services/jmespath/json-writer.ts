/** Writes data of any size as JSON text, a piece at a time, so that nothing else in the process has to wait for it. */
import type { Clock } from '../../lib/clock.ts'
import { limitError } from './jmespath-error.ts'
import { deepestData, isList, isObject, type Json, type JsonObject, member, weigh } from './json-value.ts'
import { LimitReached, Meter } from './meter.ts'

/** The most that is written at once: well below a millisecond. */
const piece = { steps: 2000, size: 100_000 }

/** How much is written before everything else has its turn, in characters. */
const turn = 500_000

/** What a part costs beside its characters, and what it costs to find that an array or object is not small, likewise. */
const partCost = 50
const searchCost = 20_000

/** An array or object in the middle of being written. */
interface Open {
  readonly parts: Iterator<readonly [prefix: string, value: Json], undefined>
  readonly end: string
  isFirst: boolean
}

/**
 * The JSON text of plain data. Rejects with SCRIPT_LIMIT_EXCEEDED when it is longer than `longest` characters or nested
 * more than 1,000 deep, and with the signal's reason.
 */
export async function writeJson(
  data: Json,
  longest: number,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<string> {
  const pieces: string[] = []
  const open: Open[] = []
  let recent: string[] = []
  let length = 0
  let cost = 0
  const write = (text: string): void => {
    recent.push(text)
    length += text.length
    cost += text.length + partCost
    if (length > longest) throw limitError('size')
  }
  const begin = (value: Json): void => {
    if (!(isList(value) || isObject(value))) return write(JSON.stringify(value ?? null))
    const small = smallText(value, open.length)
    if (small !== undefined) return write(small)
    if (open.length >= deepestData) throw limitError('depth')
    cost += searchCost
    write(isList(value) ? '[' : '{')
    open.push({ parts: isList(value) ? items(value) : members(value), end: isList(value) ? ']' : '}', isFirst: true })
  }
  begin(data)
  for (let last = open.at(-1); last !== undefined; last = open.at(-1)) {
    const part = last.parts.next()
    if (part.done === true) {
      write(last.end)
      open.pop()
    } else {
      const [prefix, value] = part.value
      write(`${last.isFirst ? '' : ','}${prefix}`)
      last.isFirst = false
      begin(value)
    }
    if (cost < turn) continue
    pieces.push(recent.join(''))
    recent = []
    cost = 0
    await new Promise<void>((resolve) => clock.soon(resolve))
    signal.throwIfAborted()
  }
  return pieces.join('') + recent.join('')
}

/** The text of a small array or object, `depth` deep in the data. */
function smallText(value: Json, depth: number): string | undefined {
  try {
    weigh(value, piece.size, new Meter(piece), depth)
    return JSON.stringify(value)
  } catch (thrown) {
    if (thrown instanceof LimitReached) return undefined
    throw thrown
  }
}

function* items(list: readonly Json[]): Generator<readonly [string, Json], undefined> {
  for (const item of list) yield ['', item ?? null]
}

function* members(object: JsonObject): Generator<readonly [string, Json], undefined> {
  for (const name of Object.keys(object)) yield [`${JSON.stringify(name)}:`, member(object, name)]
}
