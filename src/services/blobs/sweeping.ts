/** Sweeps the box at start and ever after. */
import type { Clock, Timer } from '../../lib/clock.ts'
import type { Logger } from '../../observe/logger.ts'
import type { Box } from './box.ts'
import { fileFailure } from './file-failure.ts'
import { type RemovalReason, sweep } from './sweep.ts'
import type { Workshop } from './workshop.ts'

interface SweepingOptions {
  readonly box: Box
  readonly workshop: Promise<Workshop>
  readonly onRemoval: (reason: RemovalReason) => void
  readonly clock: Clock
  readonly log: Logger
}

/** From the end of one sweep to the beginning of the next. */
const pauseMs = 60_000
/** How long a sweep rests now and then, but for the first, which others wait for. */
const restMs = 25

/** Sweeps until it is disposed. */
export class Sweeping implements AsyncDisposable {
  /** Resolves when the first sweep is over, however it ended. */
  readonly first: Promise<void>
  readonly #options: SweepingOptions
  readonly #stop = new AbortController()
  #current: Promise<void>
  #timer: Timer | undefined

  constructor(options: SweepingOptions) {
    this.#options = options
    this.first = this.#sweep(() => new Promise((resolve) => options.clock.soon(resolve)))
    this.#current = this.first
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#timer?.cancel()
    this.#stop.abort()
    await this.#current
  }

  async #sweep(rest: () => Promise<void>): Promise<void> {
    const { box, workshop, onRemoval, clock, log } = this.#options
    const { signal } = this.#stop
    try {
      await sweep({ box, workshop: await workshop, onRemoval, rest, signal })
    } catch (thrown) {
      if (signal.aborted) return
      log.warn('The blobs could not be swept', { error: fileFailure(thrown, 'write') })
    }
    if (signal.aborted) return
    this.#timer = clock.after(pauseMs, () => {
      this.#current = this.#sweep(() => clock.sleep(restMs, signal))
    })
  }
}
