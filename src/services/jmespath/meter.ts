/** What an evaluation may use: every step and everything it makes is counted, so that nothing grows without bound. */

/** Which bound was met: steps of work, characters and places made, nesting of data. */
export type Limit = 'steps' | 'size' | 'depth'

/** Thrown in the middle of an evaluation that met a bound; what it means is the caller's to say. */
export class LimitReached extends Error {
  override readonly name = 'LimitReached'
  readonly limit: Limit

  constructor(limit: Limit) {
    super(limit)
    this.limit = limit
  }
}

interface Allowance {
  /** Steps until `refill` is asked; one step is some ten nanoseconds, at its worst some hundred. */
  readonly steps: number
  /** How much may be made, in characters and bytes, about; what is let go of again counts all the same. */
  readonly size: number
  /** Asked when the steps are used up: true for as many again. Without it they end the evaluation. */
  readonly refill?: () => boolean
}

/** Counts what one evaluation uses. */
export class Meter {
  readonly #allowance: Allowance
  #steps: number
  #size: number

  constructor(allowance: Allowance) {
    this.#allowance = allowance
    this.#steps = allowance.steps
    this.#size = allowance.size
  }

  /** How much may still be made. */
  get sizeLeft(): number {
    return this.#size
  }

  /**
   * Some work is about to be done. Throws LimitReached when it may not be. What takes long is done, and counted, a part at
   * a time: one count is one look at whether it may go on, however large it is.
   */
  step(count = 1): void {
    this.#steps -= count
    if (this.#steps >= 0) return
    if (this.#allowance.refill?.() !== true) throw new LimitReached('steps')
    this.#steps = this.#allowance.steps
  }

  /** Something of this size is about to be made. Throws LimitReached when it may not be. */
  make(size: number): void {
    this.#size -= size
    if (this.#size < 0) throw new LimitReached('size')
  }

  /** A list or an object with so many places is about to be made. */
  makePlaces(count: number): void {
    this.make(32 + 16 * count)
  }
}
