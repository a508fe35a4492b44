import type { Span } from '../../src/lib/spans.ts'

/** The law of searching, slowly: every character that a needle covers; places that only touch stay apart. */
export function placesSlowly(needles: readonly string[], text: string): readonly Span[] {
  const spans: { start: number; end: number }[] = []
  for (let start = 0; start < text.length; start++) {
    for (const { length } of needles.filter((needle) => text.startsWith(needle, start))) {
      const last = spans.at(-1)
      if (last !== undefined && start < last.end) last.end = Math.max(last.end, start + length)
      else spans.push({ start, end: start + length })
    }
  }
  return spans
}
