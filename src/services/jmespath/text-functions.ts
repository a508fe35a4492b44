import { countPoints, listOf, unitOf } from './code-points.ts'
import { type Call, type JmespathFunction, takes } from './function-signature.ts'
import type { Json } from './json-value.ts'
import { lastOccurrence, searchFor } from './occurrences.ts'
import { blocksOf, joined } from './text-blocks.ts'
import { trimmed } from './trim.ts'

/** Functions of text. Positions and widths count code points. */
export const textFunctions: readonly (readonly [name: string, found: JmespathFunction])[] = [
  ['starts_with', takes(['string', 'string'], ([text, start], call) => looked(start, call) && text.startsWith(start))],
  ['ends_with', takes(['string', 'string'], ([text, end], call) => looked(end, call) && text.endsWith(end))],
  ['lower', takes(['string'], ([text], call) => inCase(text, (block) => block.toLowerCase(), call))],
  ['upper', takes(['string'], ([text], call) => inCase(text, (block) => block.toUpperCase(), call))],
  [
    'find_first',
    takes(['string', 'string', 'number?', 'number?'], ([text, sought, start, end], call) =>
      find(text, sought, start, end, (part) => searchFor(sought, call.meter)(part, 0), call),
    ),
  ],
  [
    'find_last',
    takes(['string', 'string', 'number?', 'number?'], ([text, sought, start, end], call) =>
      find(text, sought, start, end, (part) => lastOccurrence(part, sought, call.meter), call),
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
      const parts = cut(text, old, natural(count, 'count', call), call)
      made(text.length + parts.length * by.length, call)
      return joined(parts, by, call.meter)
    }),
  ],
  [
    'split',
    takes(['string', 'string', 'number?'], ([text, by, count], call): Json => {
      const most = natural(count, 'count', call)
      return text === '' && by === '' ? [] : cut(text, by, most, call)
    }),
  ],
  ['trim', takes(['string', 'string?'], ([text, chars], call) => trimmed(text, chars, 'both', call.meter))],
  ['trim_left', takes(['string', 'string?'], ([text, chars], call) => trimmed(text, chars, 'left', call.meter))],
  ['trim_right', takes(['string', 'string?'], ([text, chars], call) => trimmed(text, chars, 'right', call.meter))],
]

/** Counts a text of about this length; always true. */
function made(length: number, { meter }: Call): boolean {
  meter.step(1 + (length >> 3))
  meter.make(length)
  return true
}

/** Counts that a text is compared; always true. */
function looked(text: string, { meter }: Call): boolean {
  meter.step(text.length >> 3)
  return true
}

/** A text in another case: some letters take tens of nanoseconds, and become three. */
function inCase(text: string, change: (block: string) => string, { meter }: Call): string {
  const blocks: string[] = []
  for (const block of blocksOf(text)) {
    meter.step(1 + (block.length >> 1))
    const changed = change(block)
    meter.make(changed.length)
    blocks.push(changed)
  }
  return joined(blocks, '', meter)
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
  search: (part: string) => number,
  call: Call,
): number | null {
  const [from, to] = [
    Math.max(0, whole(start, 'start', call) ?? 0),
    Math.max(0, whole(end, 'end', call) ?? text.length),
  ]
  if (text === '' || sought === '') return null
  const part = text.slice(unitOf(text, from, call.meter), unitOf(text, to, call.meter))
  const at = search(part)
  return at === -1 ? null : from + countPoints(part.slice(0, at), call.meter)
}

function padding(text: string, width: number, pad: string | undefined, call: Call): string {
  const wanted = natural(width, 'width', call) ?? 0
  if (pad !== undefined && countPoints(pad, call.meter) !== 1) return call.fail('the padding must be one character')
  const missing = Math.max(0, wanted - countPoints(text, call.meter))
  made(missing * 2, call)
  return (pad ?? ' ').repeat(missing)
}

/** The parts of a text, cut where another occurs in it, at most so often; by nothing, between its code points. */
function cut(text: string, by: string, most: number | undefined, { meter }: Call): readonly string[] {
  if (by === '') return cutBetweenPoints(text, most, meter)
  const search = searchFor(by, meter)
  const parts: string[] = []
  let start = 0
  while (parts.length < (most ?? Number.POSITIVE_INFINITY)) {
    const at = search(text, start)
    if (at === -1) break
    meter.step()
    meter.makePlaces(2)
    parts.push(text.slice(start, at))
    start = at + by.length
  }
  parts.push(text.slice(start))
  return parts
}

function cutBetweenPoints(text: string, most: number | undefined, meter: Call['meter']): readonly string[] {
  if (most === undefined || most >= text.length) return listOf(text, meter)
  const rest = unitOf(text, most, meter)
  const points = listOf(text.slice(0, rest), meter)
  return rest === text.length ? points : [...points, text.slice(rest)]
}
