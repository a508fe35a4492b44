/** The first `limit` of many, in order, without sorting the rest. `compare` as sorting takes it. */
export function firstOf<T>(items: Iterable<T>, limit: number, compare: (a: T, b: T) => number): readonly T[] {
  const first: T[] = []
  for (const item of items) {
    const last = first[limit - 1]
    if (limit <= 0 || (last !== undefined && compare(item, last) >= 0)) continue
    first.splice(placeOf(item, first, compare), 0, item)
    if (first.length > limit) first.pop()
  }
  return first
}

function placeOf<T>(item: T, sorted: readonly T[], compare: (a: T, b: T) => number): number {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    const other = sorted[middle]
    if (other === undefined || compare(item, other) < 0) high = middle
    else low = middle + 1
  }
  return low
}
