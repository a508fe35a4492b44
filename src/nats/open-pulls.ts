import type { Clock } from '../lib/clock.ts'

/** How long after its expiry, in milliseconds, the end of a request may be late. */
const graceMs = 5_000

interface OpenPull {
  readonly batch: number
  readonly endsAt: number
}

/**
 * How many messages may still come. Messages do not say which request they answer, only ends do, and a request that was
 * filled ends without a word; so the sum is counted down, and is never more than what the latest requests asked for.
 */
export class OpenPulls {
  readonly #clock: Clock
  readonly #latest = new Map<number, OpenPull>()
  #latestSum = 0
  #asked = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get asked(): number {
    return this.#asked
  }

  /** How many requests are kept in mind. */
  get remembered(): number {
    return this.#latest.size
  }

  add(number: number, batch: number, expiresMs: number): void {
    this.#latest.set(number, { batch, endsAt: this.#clock.monotonic() + expiresMs + graceMs })
    this.#latestSum += batch
    this.#asked += batch
    for (const [oldest, pull] of this.#latest) {
      if (this.#latestSum - pull.batch < this.#asked) break
      this.#forget(oldest, pull)
    }
  }

  received(): void {
    this.#asked = Math.max(0, this.#asked - 1)
  }

  /** A request has ended with `left` messages not sent; undefined where the server does not say. */
  ended(number: number, left: number | undefined): void {
    const pull = this.#latest.get(number)
    if (pull !== undefined) this.#forget(number, pull)
    this.#asked = left === undefined ? Math.min(this.#asked, this.#latestSum) : Math.max(0, this.#asked - left)
  }

  /** Forgets requests whose end was never heard. */
  expire(): void {
    const now = this.#clock.monotonic()
    for (const [number, pull] of this.#latest) if (pull.endsAt < now) this.#forget(number, pull)
    this.#asked = Math.min(this.#asked, this.#latestSum)
  }

  clear(): void {
    this.#latest.clear()
    this.#latestSum = 0
    this.#asked = 0
  }

  #forget(number: number, pull: OpenPull): void {
    this.#latest.delete(number)
    this.#latestSum -= pull.batch
  }
}
