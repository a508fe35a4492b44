/** Places in a text. */

/** From `start` to before `end`. */
export interface Span {
  readonly start: number
  readonly end: number
}

/** Several lists of places as one: in order, those that overlap put together, those that only touch left apart. */
export function united(lists: readonly (readonly Span[])[]): readonly Span[] {
  const [first = [], ...others] = lists.filter(({ length }) => length > 0)
  if (others.length === 0) return first
  const spans: GrowingSpan[] = []
  for (const { start, end } of [first, ...others].flat().toSorted((a, b) => a.start - b.start)) {
    append(spans, start, end)
  }
  return spans
}

/** A place that is still being put together. */
export interface GrowingSpan {
  start: number
  end: number
}

/** Adds one that begins, or one that ends, no earlier than those before it, together with what it overlaps. */
export function append(spans: GrowingSpan[], start: number, end: number): void {
  const last = spans.at(-1)
  if (last === undefined || last.end <= start) {
    spans.push({ start, end })
    return
  }
  last.end = Math.max(last.end, end)
  if (start >= last.start) return
  last.start = start
  for (let before = spans.at(-2); before !== undefined && before.end > start; before = spans.at(-2)) {
    last.start = Math.min(start, before.start)
    spans.splice(-2, 1)
  }
}
