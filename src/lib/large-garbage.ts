/** What is smaller is left to the runtime, in bytes. */
const largeBytes = 65_536
/** So much of what is large may come together before it is worth the pause (some 10 ms). */
const worthwhileBytes = 2_000_000

/**
 * Has the copies collected that large messages leave behind on their way, several times their size: the runtime by itself
 * would let many of them gather, and the process grow with the largest messages it has seen.
 */
export class LargeGarbage {
  #bytes = 0

  /** Notes that so many bytes have been turned into something else; true when it is time to collect. */
  add(bytes: number): boolean {
    if (bytes >= largeBytes) this.#bytes += bytes
    return this.#bytes >= worthwhileBytes
  }

  /** Collects what nobody refers to; what stands on the stack counts as referred to. */
  collect(): void {
    this.#bytes = 0
    Bun.gc(true)
  }
}
