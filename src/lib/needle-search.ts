/** Where one of many texts stands in another, in one pass over it. */

/** A place in a text. */
export interface Span {
  readonly start: number
  /** Behind its last character. */
  readonly end: number
}

/** How many characters are looked at together. */
const blockLength = 3
const tableSize = 2 ** 16
/** The largest number in the table. */
const longestSkip = 255

/** No needle may be shorter. */
export const shortestNeedle = 4

/**
 * Looks for many needles at once, in the manner of Wu and Manber: a table says of every three characters how far away
 * the end of a needle's beginning is at least, and that far is skipped. So what is searched in vain costs a fraction of
 * its length, however many needles there are.
 */
export class NeedleSearch {
  /** As many characters of each needle as the shortest one has are what the table knows. */
  readonly #window: number
  readonly #skips: Uint8Array
  /** Needles, longest first, by the last block of their window. */
  readonly #byBlock = new Map<number, readonly string[]>()

  /** Every needle has at least `shortestNeedle` characters. */
  constructor(needles: readonly string[]) {
    this.#window = needles.reduce((least, { length }) => Math.min(least, length), longestSkip)
    this.#skips = new Uint8Array(tableSize).fill(this.#window - blockLength + 1)
    for (const needle of needles) this.add(needle)
  }

  /** Looks for one more from now on. False: it is shorter than all before, so that the search has to be made anew. */
  add(needle: string): boolean {
    if (needle.length < this.#window) return false
    for (let last = blockLength - 1; last < this.#window; last++) {
      const block = blockAt(needle, last)
      this.#skips[block] = Math.min(this.#skips[block] ?? 0, this.#window - 1 - last)
    }
    const block = blockAt(needle, this.#window - 1)
    const known = this.#byBlock.get(block) ?? []
    if (known.includes(needle)) return true
    const shorter = known.findIndex(({ length }) => length < needle.length)
    this.#byBlock.set(block, known.toSpliced(shorter === -1 ? known.length : shorter, 0, needle))
    return true
  }

  /** The first needle in the text, beginning at `from` or behind it; of several that begin there, the longest. */
  find(text: string, from = 0): Span | undefined {
    const window = this.#window
    const skips = this.#skips
    for (let last = from + window - 1; last < text.length; ) {
      const block = blockAt(text, last)
      const skip = skips[block] ?? 1
      if (skip === 0) {
        const start = last - window + 1
        const needle = this.#byBlock.get(block)?.find((each) => text.startsWith(each, start))
        if (needle !== undefined) return { start, end: start + needle.length }
      }
      last += skip === 0 ? 1 : skip
    }
    return undefined
  }
}

/** A number for the block that ends at `last`. */
function blockAt(text: string, last: number): number {
  return (
    ((text.charCodeAt(last - 2) << 10) ^ (text.charCodeAt(last - 1) << 5) ^ text.charCodeAt(last)) & (tableSize - 1)
  )
}
