/** Masking what comes in pieces, with the same result as if it were there whole. */
import type { Span } from './spans.ts'

/** How much is looked at together, in bytes, beyond what is looked at twice. */
const leastLook = 65_536

/** What is looked for. */
export interface PieceSearch {
  /** Places in bytes that were read as Latin-1: in order, none of them overlapping. */
  places(text: string): readonly Span[]
  /** No place is longer unless several overlap; in bytes. */
  longest(): number
  /** Stands for each place. */
  readonly stars: string
}

/** The same bytes, masked. What may be the beginning of a place is held back until it is known not to be. */
export async function* maskedPieces(
  pieces: AsyncIterable<Uint8Array>,
  search: PieceSearch,
): AsyncGenerator<Uint8Array> {
  const window = new Window(search)
  for await (const piece of pieces) {
    const ready = window.add(piece)
    if (ready.length > 0) yield ready
  }
  const rest = window.end()
  if (rest.length > 0) yield rest
}

/** What has come and not yet gone. */
class Window {
  readonly #search: PieceSearch
  #text = ''
  /** So much at its beginning belongs to a place whose stars have gone. */
  #covered = 0

  constructor(search: PieceSearch) {
    this.#search = search
  }

  add(piece: Uint8Array): Uint8Array {
    this.#text += Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength).toString('latin1')
    const overlap = Math.max(0, this.#search.longest() - 1)
    // What is looked at twice is at most half of it.
    if (this.#text.length < overlap + Math.max(leastLook, overlap)) return none
    // A place that begins before it ends within what is there.
    return this.#take(this.#text.length - overlap)
  }

  end(): Uint8Array {
    return this.#take(this.#text.length)
  }

  #take(length: number): Uint8Array {
    let out = ''
    let at = Math.min(this.#covered, length)
    let covered = this.#covered
    for (const { start, end } of this.#search.places(this.#text)) {
      if (start >= length) break
      if (start >= covered) out += this.#text.slice(at, start) + this.#search.stars
      covered = Math.max(covered, end)
      at = Math.min(covered, length)
    }
    out += this.#text.slice(at, length)
    this.#text = this.#text.slice(length)
    this.#covered = Math.max(0, covered - length)
    return Buffer.from(out, 'latin1')
  }
}

const none = new Uint8Array()
