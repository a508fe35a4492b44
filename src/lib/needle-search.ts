/** Where any of many texts stands in another, in one quick pass over it. */
import { AhoCorasick } from './aho-corasick.ts'
import { append, type GrowingSpan, type Span } from './spans.ts'

/** How many characters are looked at together. */
const blockLength = 3
/** Larger windows would not be skipped in much less time. */
const longestWindow = 40
const tableSizes = { small: 2 ** 14, large: 2 ** 16 }

/** What a close look at a place costs, and how many characters a comparison does at the price of one; roughly. */
const closeLook = 16
const atOnce = 16
/** Close looks may cost as much as this and one for each character of the text. */
const allowance = 4096

/** No needle may be shorter. */
export const shortestNeedle = 4

/**
 * Looks for many needles at once, in the manner of Wu and Manber: a table says of every three characters how far away
 * the end of a needle's beginning is at least, and that far is skipped. So what is searched in vain costs a fraction of
 * its length, however many needles there are. A text that nearly matches all the time, as only malice makes it, is left
 * to the automaton of Aho and Corasick, which nothing can slow down.
 */
export class NeedleSearch {
  readonly #needles: readonly string[]
  /** As many characters of each needle as the shortest one has are what the table knows. */
  readonly #window: number
  readonly #skips: Uint8Array
  /** Needles, longest first, by the last block of their window. */
  readonly #byBlock: ReadonlyMap<number, readonly string[]>
  /** It is large and rarely needed, so nothing keeps it when memory is short. */
  #automaton: WeakRef<AhoCorasick> | undefined

  /** Every needle has at least `shortestNeedle` characters. */
  constructor(needles: readonly string[]) {
    this.#needles = needles
    this.#window = needles.reduce((least, { length }) => Math.min(least, length), longestWindow)
    const isSmall = needles.length * this.#window * 8 < tableSizes.small
    this.#skips = new Uint8Array(isSmall ? tableSizes.small : tableSizes.large).fill(this.#window - blockLength + 1)
    for (const needle of needles) this.#note(needle)
    const longestFirst = needles.toSorted((a, b) => b.length - a.length)
    this.#byBlock = Map.groupBy(longestFirst, (needle) => blockAt(needle, this.#window - 1, this.#skips.length))
  }

  /** All places of needles in order, those that overlap put together. */
  places(text: string): readonly Span[] {
    const places = this.#quickly(text)
    if (places !== undefined) return places
    const automaton = this.#automaton?.deref() ?? new AhoCorasick(this.#needles)
    this.#automaton = new WeakRef(automaton)
    return automaton.places(text)
  }

  #note(needle: string): void {
    for (let last = blockLength - 1; last < this.#window; last++) {
      const block = blockAt(needle, last, this.#skips.length)
      this.#skips[block] = Math.min(this.#skips[block] ?? 0, this.#window - 1 - last)
    }
  }

  /** Undefined: it would take too long. */
  #quickly(text: string): readonly Span[] | undefined {
    const spans: GrowingSpan[] = []
    const window = this.#window
    const skips = this.#skips
    let left = allowance + text.length
    for (let last = window - 1; last < text.length; ) {
      const block = blockAt(text, last, skips.length)
      const skip = skips[block] ?? 1
      if (skip > 0) {
        last += skip
        continue
      }
      left -= closeLook
      const start = last - window + 1
      for (const needle of this.#byBlock.get(block) ?? []) {
        left -= 1 + needle.length / atOnce
        if (left < 0) return undefined
        if (!text.startsWith(needle, start)) continue
        append(spans, start, start + needle.length)
        break
      }
      last++
    }
    return spans
  }
}

/** A number for the block that ends at `last`, below `blocks`, a power of two. */
function blockAt(text: string, last: number, blocks: number): number {
  const code = (text.charCodeAt(last - 2) << 10) ^ (text.charCodeAt(last - 1) << 5) ^ text.charCodeAt(last)
  return code & (blocks - 1)
}
