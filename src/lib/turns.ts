import type { Clock } from './clock.ts'

/** Has long pieces of work done one after another, each in a turn of the event loop of its own. */
export class Turns {
  #last: Promise<void> = Promise.resolve()

  /** Resolves when the work may begin: after all that asked before, and after everything that was ready then. */
  next(clock: Clock): Promise<void> {
    this.#last = this.#last.then(() => new Promise((resolve) => clock.soon(resolve)))
    return this.#last
  }
}
