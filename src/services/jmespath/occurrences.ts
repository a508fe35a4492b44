/**
 * Where one text occurs in another, in time and steps that are linear in both, whatever they are. The runtime's own search
 * compares at every place, which is quick for a short text only, and cannot be ended.
 */
import type { Meter } from './meter.ts'

/** Up to this length the runtime's search takes some nanoseconds a place at its worst. */
const longestShort = 64

/** How much the runtime searches at once, and how much we do between two counts, in UTF-16 units. */
const window = 16_384
const stride = 1024

/** Where a text first occurs in another from a place on, in UTF-16 units; -1 when it does not. */
export type Search = (text: string, from: number) => number

/** A search for a text, which is not empty. */
export function searchFor(sought: string, meter: Meter): Search {
  if (sought.length <= longestShort) return (text, from) => shortFrom(text, sought, from, meter)
  const borders = bordersOf(sought, meter)
  return (text, from) => longFrom(text, { sought, borders }, from, meter).first
}

/** Where a text, which is not empty, last occurs in another, in UTF-16 units; -1 when it does not. */
export function lastOccurrence(text: string, sought: string, meter: Meter): number {
  if (sought.length > longestShort) {
    return longFrom(text, { sought, borders: bordersOf(sought, meter) }, 0, meter, true).last
  }
  for (let end = text.length; end >= sought.length; end -= window) {
    const start = Math.max(0, end - window - sought.length + 1)
    meter.step(1 + ((end - start) >> 3))
    const found = text.slice(start, end).lastIndexOf(sought)
    if (found !== -1) return start + found
  }
  return -1
}

function shortFrom(text: string, sought: string, from: number, meter: Meter): number {
  for (let start = from; start + sought.length <= text.length; start += window) {
    const end = start + window + sought.length - 1
    const part = end < text.length ? text.slice(start, end) : text
    const offset = part === text ? 0 : start
    const found = part.indexOf(sought, start - offset)
    const looked = found === -1 ? Math.min(end, text.length) - start : found + offset + sought.length - start
    meter.step(1 + (looked >> 3))
    if (found !== -1) return offset + found
  }
  return -1
}

interface Long {
  readonly sought: string
  readonly borders: Int32Array
}

/** For every beginning of a text: the length of the longest shorter beginning that it ends with. */
function bordersOf(text: string, meter: Meter): Int32Array {
  meter.make(4 * text.length)
  const borders = new Int32Array(text.length)
  let length = 0
  for (let index = 1; index < text.length; index++) {
    if (index % stride === 1) meter.step(stride >> 3)
    length = further(text, borders, length, text.charCodeAt(index))
    borders[index] = length
  }
  return borders
}

/** How much of the beginning of a text has been read after one more unit, when so much of it had been before. */
function further(text: string, borders: Int32Array, length: number, unit: number): number {
  let kept = length
  while (kept > 0 && text.charCodeAt(kept) !== unit) kept = borders[kept - 1] ?? 0
  return text.charCodeAt(kept) === unit ? kept + 1 : kept
}

/** Knuth, Morris and Pratt: a place is never looked at again. Ends at the first occurrence unless `all` are asked for. */
function longFrom(
  text: string,
  { sought, borders }: Long,
  from: number,
  meter: Meter,
  all = false,
): { readonly first: number; readonly last: number } {
  let [first, last, length] = [-1, -1, 0]
  for (let index = from; index < text.length && (all || first === -1); index++) {
    if ((index - from) % stride === 0) meter.step(stride >> 3)
    length = further(sought, borders, length, text.charCodeAt(index))
    if (length < sought.length) continue
    last = index + 1 - sought.length
    if (first === -1) first = last
  }
  return { first, last }
}
