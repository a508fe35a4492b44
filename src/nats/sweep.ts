import type { Clock, Timer } from '../lib/clock.ts'

/** How late an overdue answer may be noticed, in milliseconds. */
const everyMs = 250

/** One coarse timer for many limits, running only while there is something to look at. */
export class Sweep {
  readonly #clock: Clock
  readonly #look: () => boolean
  #timer: Timer | undefined

  /** `look` says whether there is anything left to look at. */
  constructor(clock: Clock, look: () => boolean) {
    this.#clock = clock
    this.#look = look
  }

  start(): void {
    this.#timer ??= this.#clock.every(everyMs, () => {
      if (!this.#look()) this.stop()
    })
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }
}
