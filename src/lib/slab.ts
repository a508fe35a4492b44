/** Large enough for hundreds of small results, small enough that little is lost when one of them outlives the rest, in bytes. */
const chunkBytes = 256 * 1024

/**
 * Keeps copies of small byte arrays side by side in large ones. Thousands of separate ones that live long would be
 * scattered among what is thrown away, and keep all of its memory from being given back. A chunk goes when everything in
 * it has gone, which suits what is forgotten in the order in which it came.
 */
export class Slab {
  #chunk = new Uint8Array(0)
  #used = 0

  /** A copy of the bytes; those that are large stay where they are. */
  keep(bytes: Uint8Array): Uint8Array {
    if (bytes.byteLength > chunkBytes / 16) return bytes
    if (this.#used + bytes.byteLength > this.#chunk.byteLength) {
      this.#chunk = new Uint8Array(chunkBytes)
      this.#used = 0
    }
    const start = this.#used
    this.#used += bytes.byteLength
    this.#chunk.set(bytes, start)
    return this.#chunk.subarray(start, this.#used)
  }
}
