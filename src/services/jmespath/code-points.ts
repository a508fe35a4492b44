/** Text as the specification counts it: in code points, not in UTF-16 units. */
import type { Meter } from './meter.ts'

const surrogate = /[\ud800-\udfff]/

/** The code points of a text, by number and length; a text of single units is its own list. */
export function pointsOf(text: string, meter: Meter): string | readonly string[] {
  meter.step(1 + (text.length >> 3))
  if (!surrogate.test(text)) return text
  meter.makePlaces(text.length)
  return Array.from(text)
}

/** How many code points a text has. */
export function countPoints(text: string, meter: Meter): number {
  return pointsOf(text, meter).length
}

/** Code points `start` to `end` as text again. */
export function slicePoints(points: string | readonly string[], start: number, end?: number): string {
  const part = points.slice(start, end)
  return typeof part === 'string' ? part : part.join('')
}

/** The order of two texts by code points: below, above or equal to zero. */
export function comparePoints(left: string, right: string, meter: Meter): number {
  const shared = Math.min(left.length, right.length)
  for (let index = 0; index < shared; index++) {
    const a = left.charCodeAt(index)
    const b = right.charCodeAt(index)
    if (a === b) continue
    meter.step(1 + (index >> 3))
    return rank(a) - rank(b)
  }
  meter.step(1 + (shared >> 3))
  return left.length - right.length
}

/** Surrogates stand for code points above all that fit one unit. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit
}
