/** Text as the specification counts it: in code points, not in UTF-16 units. */
import type { Meter } from './meter.ts'
import { blocksOf, joined } from './text-blocks.ts'

const surrogate = /[\ud800-\udfff]/

/** How much is looked at between two counts, in UTF-16 units. */
const stride = 512

/** Whether a text has code points of more than one unit, or parts of such. */
function hasSurrogates(text: string, meter: Meter): boolean {
  for (const block of blocksOf(text)) {
    meter.step(1 + (block.length >> 3))
    if (surrogate.test(block)) return true
  }
  return false
}

/** The code points of a text, by number and length; a text of single units is its own list. */
export function pointsOf(text: string, meter: Meter): string | readonly string[] {
  return hasSurrogates(text, meter) ? listOf(text, meter) : text
}

/** The code points of a text, one by one. */
export function listOf(text: string, meter: Meter): readonly string[] {
  meter.makePlaces(text.length)
  const points: string[] = []
  for (const block of blocksOf(text)) {
    meter.step(block.length)
    for (const point of block) points.push(point)
  }
  return points
}

/** How many code points a text has. */
export function countPoints(text: string, meter: Meter): number {
  return hasSurrogates(text, meter) ? walk(text, Number.POSITIVE_INFINITY, meter).points : text.length
}

/** Where a code point begins, in UTF-16 units; the text's length when it has not so many. */
export function unitOf(text: string, point: number, meter: Meter): number {
  if (point === 0 || point >= text.length) return Math.min(point, text.length)
  return hasSurrogates(text, meter) ? walk(text, point, meter).units : point
}

/** Goes over so many code points, or to the end. */
function walk(text: string, most: number, meter: Meter): { readonly points: number; readonly units: number } {
  let [points, units] = [0, 0]
  while (points < most && units < text.length) {
    if (points % stride === 0) meter.step(stride >> 2)
    units += beginsPair(text, units) ? 2 : 1
    points++
  }
  return { points, units }
}

/** Whether a code point of two units begins there. */
function beginsPair(text: string, at: number): boolean {
  return (text.charCodeAt(at) & 0xfc00) === 0xd800 && (text.charCodeAt(at + 1) & 0xfc00) === 0xdc00
}

/** A text with its code points in the opposite order. */
export function reversed(text: string, meter: Meter): string {
  const blocks: string[] = []
  for (const block of blocksOf(text)) {
    meter.step(1 + 2 * block.length)
    meter.make(block.length)
    blocks.push(Array.from(block).toReversed().join(''))
  }
  return joined(blocks.toReversed(), '', meter)
}

/** The order of two texts by code points: below, above or equal to zero. */
export function comparePoints(left: string, right: string, meter: Meter): number {
  const shared = Math.min(left.length, right.length)
  for (let start = 0; start < shared; start += stride) {
    const end = Math.min(shared, start + stride)
    for (let index = start; index < end; index++) {
      const a = left.charCodeAt(index)
      const b = right.charCodeAt(index)
      if (a === b) continue
      meter.step(1 + ((index - start) >> 3))
      return rank(a) - rank(b)
    }
    meter.step(1 + ((end - start) >> 3))
  }
  return left.length - right.length
}

/** Surrogates stand for code points above all that fit one unit. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit
}
