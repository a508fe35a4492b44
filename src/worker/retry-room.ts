import type { Clock } from '../lib/clock.ts'
import type { Job } from './job.ts'

/** Where jobs wait between two attempts: without a slot, but with their delivery. */
export class RetryRoom {
  readonly #clock: Clock
  readonly #window: () => number | undefined
  #waiting = 0

  /** `window`: how many deliveries may be held; undefined where the queue bounds what waits. */
  constructor(clock: Clock, window: () => number | undefined) {
    this.#clock = clock
    this.#window = window
  }

  get waiting(): number {
    return this.#waiting
  }

  /** Waiting jobs fill at most half the window, so that a failing provider does not stop all other work. */
  get isFull(): boolean {
    const window = this.#window()
    return window !== undefined && this.#waiting >= Math.floor(window / 2)
  }

  /** Resolves after the wait, or as soon as the job is told to stop. */
  wait(job: Job, ms: number): Promise<void> {
    if (job.stopped !== undefined) return Promise.resolve()
    this.#waiting++
    return new Promise((resolve) => {
      const leave = (): void => {
        timer.cancel()
        job.onStop(undefined)
        this.#waiting--
        resolve()
      }
      const timer = this.#clock.after(ms, leave)
      job.onStop(leave)
    })
  }
}
