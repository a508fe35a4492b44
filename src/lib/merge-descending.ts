/**
 * Everything that the sources give, the greatest key first, as far as each of them is in that order; what has the same
 * key comes from the earlier source first. Ends all of them when it is ended.
 */
export async function* mergeDescending<T>(
  sources: readonly AsyncIterable<T>[],
  keyOf: (item: T) => string,
): AsyncGenerator<T, void> {
  const readers = sources.map((source) => source[Symbol.asyncIterator]())
  try {
    const heads = await Promise.all(readers.map((reader) => reader.next()))
    for (;;) {
      let [at, greatest]: [number, T | undefined] = [-1, undefined]
      for (const [n, head] of heads.entries()) {
        if (head.done === true) continue
        if (at !== -1 && greatest !== undefined && keyOf(head.value) <= keyOf(greatest)) continue
        at = n
        greatest = head.value
      }
      const reader = readers[at]
      if (reader === undefined || greatest === undefined) return
      yield greatest
      heads[at] = await reader.next()
    }
  } finally {
    await Promise.allSettled(readers.map(async (reader) => reader.return?.()))
  }
}
