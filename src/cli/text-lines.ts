/** One line without its line end. */
export interface TextLine {
  /** From 1, empty lines counted. */
  readonly number: number
  readonly bytes: Uint8Array
  /** It was longer than allowed, and `bytes` is not all of it. */
  readonly cut: boolean
}

interface Options {
  /** Ends the reading, also while it waits. */
  readonly signal: AbortSignal
  /** The most that is kept of a line, in bytes. */
  readonly longest: number
}

const lineEnd = 0x0a

/** The lines of a stream that are not blank; holds one line at a time. */
export async function* linesOf(stream: ReadableStream<Uint8Array>, options: Options): AsyncGenerator<TextLine, void> {
  const reader = stream.getReader()
  const stop = (): void => void reader.cancel().catch(() => undefined)
  options.signal.addEventListener('abort', stop, { once: true })
  const line = new GrowingLine(options.longest)
  let number = 1
  try {
    for (let chunk = await reader.read(); !chunk.done && !options.signal.aborted; chunk = await reader.read()) {
      let from = 0
      for (let to = chunk.value.indexOf(lineEnd); to >= 0; to = chunk.value.indexOf(lineEnd, from)) {
        line.add(chunk.value.subarray(from, to))
        yield* line.take(number++)
        from = to + 1
      }
      line.add(chunk.value.subarray(from))
    }
    if (!options.signal.aborted) yield* line.take(number)
  } finally {
    options.signal.removeEventListener('abort', stop)
    stop()
  }
}

/** A line of which not all may have arrived. */
class GrowingLine {
  readonly #longest: number
  #parts: Uint8Array[] = []
  #size = 0
  #cut = false

  constructor(longest: number) {
    this.#longest = longest
  }

  add(part: Uint8Array): void {
    if (part.length === 0 || this.#cut) return
    this.#size += part.length
    if (this.#size > this.#longest) this.#cut = true
    else this.#parts.push(part)
  }

  /** The line, unless it is blank; the next one begins. */
  *take(number: number): Generator<TextLine> {
    const bytes = this.#parts.length === 1 ? (this.#parts[0] ?? new Uint8Array()) : Buffer.concat(this.#parts)
    const cut = this.#cut
    this.#parts = []
    this.#size = 0
    this.#cut = false
    if (cut || !bytes.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d)) yield { number, bytes, cut }
  }
}
