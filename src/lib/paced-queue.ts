import type { Clock } from './clock.ts'

interface Options<T> {
  /** Deals with one item, at once. Must not throw. */
  readonly handle: (item: T) => void
  /** How long one turn of the event loop may be taken up, in milliseconds. */
  readonly budgetMs: number
  /** How many items may wait; more are handled in the turn in which they come. */
  readonly maxWaiting: number
  readonly clock: Clock
}

/**
 * Deals with a flood of items in their order and in portions, so that timers and answers get their turn in between. An
 * item that comes while there is time left is handled before `push` returns.
 */
export class PacedQueue<T> {
  readonly #options: Options<T>
  #waiting: T[] = []
  #first = 0
  #turnEndsAt = 0
  #isInTurn = false

  constructor(options: Options<T>) {
    this.#options = options
  }

  get size(): number {
    return this.#waiting.length - this.#first
  }

  push(item: T): void {
    const { handle, maxWaiting } = this.#options
    if (this.size === 0 && this.#hasTime()) return handle(item)
    this.#waiting.push(item)
    if (this.size > maxWaiting) this.#handleNext()
  }

  /** Handles everything that waits, now. */
  finish(): void {
    while (this.size > 0) this.#handleNext()
  }

  #hasTime(): boolean {
    const now = this.#options.clock.monotonic()
    if (!this.#isInTurn) this.#beginTurn(now)
    return now < this.#turnEndsAt
  }

  #beginTurn(now: number): void {
    this.#isInTurn = true
    this.#turnEndsAt = now + this.#options.budgetMs
    this.#options.clock.soon(() => this.#nextTurn())
  }

  #nextTurn(): void {
    this.#isInTurn = false
    while (this.size > 0 && this.#hasTime()) this.#handleNext()
  }

  #handleNext(): void {
    const item = this.#waiting[this.#first++]
    if (this.#first === this.#waiting.length || this.#first > this.#options.maxWaiting) {
      this.#waiting = this.#waiting.slice(this.#first)
      this.#first = 0
    }
    // Only called while something waits.
    this.#options.handle(item as T)
  }
}
