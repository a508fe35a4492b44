/**
 * Long texts, a block at a time: what is done with a block is counted, so that it can be ended before the next. A text that
 * is one block is not cut.
 */
import type { Meter } from './meter.ts'

/** About how much a block is, in UTF-16 units: what is done with one takes far less than a millisecond. */
const blockLength = 16_384

/** The most texts that are joined at once. */
const joinedAtOnce = 4096

/**
 * A text in blocks, none of which ends within a code point. They end after a blank where they can, as what a letter
 * becomes in lower case depends on the rest of its word.
 */
export function blocksOf(text: string): Iterable<string> {
  return text.length <= blockLength ? [text] : blocksOfLong(text)
}

function* blocksOfLong(text: string): Generator<string, undefined> {
  let start = 0
  while (text.length - start > blockLength) {
    const block = text.slice(start, start + blockLength)
    const length =
      block.lastIndexOf(' ') + 1 || (isHighSurrogate(block.charCodeAt(blockLength - 1)) ? blockLength - 1 : blockLength)
    yield block.slice(0, length)
    start += length
  }
  yield text.slice(start)
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff
}

/** A text made of pieces that come one by one; its size is the caller's to count. */
export class Pieces {
  readonly #meter: Meter
  #text = ''
  #recent: string[] = []

  constructor(meter: Meter) {
    this.#meter = meter
  }

  add(piece: string): void {
    if (this.#recent.push(piece) === joinedAtOnce) this.#join()
  }

  whole(): string {
    this.#join()
    return this.#text
  }

  #join(): void {
    this.#meter.step(1 + this.#recent.length)
    this.#text += this.#recent.join('')
    this.#recent = []
  }
}

/** Texts as one, with `glue` between them; its size is the caller's to count. */
export function joined(texts: readonly string[], glue: string, meter: Meter): string {
  if (texts.length <= joinedAtOnce) {
    meter.step(1 + texts.length)
    return texts.join(glue)
  }
  let text = ''
  for (let start = 0; start < texts.length; start += joinedAtOnce) {
    const some = texts.slice(start, start + joinedAtOnce)
    meter.step(some.length)
    text += (start === 0 ? '' : glue) + some.join(glue)
  }
  return text
}
