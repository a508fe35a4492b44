/** The memory of an interpreter as it was at one moment. */

/** What is copied or found to be zero as a whole, in bytes: every size of a WebAssembly memory is a multiple of it. */
const blockBytes = 4096

interface Part {
  readonly at: number
  readonly data: Uint8Array
}

/** Puts an interpreter back to where it was when the image was made: each byte of its memory, whoever changed it. */
export class MemoryImage {
  readonly #memory: WebAssembly.Memory
  /** All that is not zero, in order. */
  readonly #parts: readonly Part[]

  constructor(memory: WebAssembly.Memory) {
    this.#memory = memory
    this.#parts = partsOf(new Uint8Array(memory.buffer))
  }

  /** How much of the memory was not zero, in bytes: what is copied back. */
  get size(): number {
    return this.#parts.reduce((sum, { data }) => sum + data.length, 0)
  }

  /**
   * Takes time for all of the memory: a hundredth of a millisecond for each megabyte. None of the interpreter's functions
   * may be running, nor have been ended by an exception.
   */
  restore(): void {
    const bytes = new Uint8Array(this.#memory.buffer)
    let end = 0
    for (const { at, data } of this.#parts) {
      bytes.fill(0, end, at)
      bytes.set(data, at)
      end = at + data.length
    }
    bytes.fill(0, end)
  }
}

function partsOf(bytes: Uint8Array): readonly Part[] {
  const zeros = new Uint8Array(blockBytes)
  const isZero = (at: number): boolean => Buffer.compare(bytes.subarray(at, at + blockBytes), zeros) === 0
  const parts: Part[] = []
  let from = 0
  for (let at = 0; at <= bytes.length; at += blockBytes) {
    if (at < bytes.length && !isZero(at)) continue
    if (from < at) parts.push({ at: from, data: bytes.slice(from, at) })
    from = at + blockBytes
  }
  return parts
}
