import { backoffCeiling } from '../lib/backoff.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../observe/logger.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { DeadLetter } from '../protocol/dead-letter.ts'
import type { DeadLetterStore } from '../store/dead-letter-store.ts'

interface Options {
  readonly deadLetters: Pick<DeadLetterStore, 'write'>
  /** Where they are written, for messages. */
  readonly path: string
  /** Tells the platform of a record that has been written. */
  readonly notify: (record: DeadLetter) => void
  /** Called when writing begins to fail (true) and when it works again (false). */
  readonly onBlocked: (blocked: boolean) => void
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: Metrics
}

interface Failure {
  readonly error: unknown
}

const firstRetryMs = 500
const longestRetryMs = 10_000

/** Keeps dead letters: repeats a write that fails until it succeeds, and says meanwhile that it is blocked. */
export class DeadLetterBox {
  readonly #options: Options
  #waiting = 0

  constructor(options: Options) {
    this.#options = options
  }

  /** Why records cannot be written at the moment, naming the path; undefined when they can. */
  get blocked(): string | undefined {
    return this.#waiting > 0 ? `cannot write dead letters to ${this.#options.path}` : undefined
  }

  /** Resolves true when the record is written and announced, false when `signal` aborted first: then it is not kept. */
  async put(record: DeadLetter, signal: AbortSignal): Promise<boolean> {
    const failure = await this.#write(record)
    if (failure !== undefined && !(await this.#writeAgain(record, failure, signal))) return false
    this.#options.metrics.deadLetterWritten(record.reason)
    this.#options.notify(record)
    return true
  }

  async #writeAgain(record: DeadLetter, { error }: Failure, signal: AbortSignal): Promise<boolean> {
    if (this.#waiting++ === 0) this.#sayBlocked(error)
    try {
      for (let tries = 1; !signal.aborted; tries++) {
        await this.#options.clock
          .sleep(backoffCeiling(tries, firstRetryMs, longestRetryMs), signal)
          .catch(() => undefined)
        if ((await this.#write(record)) === undefined) return true
      }
      return false
    } finally {
      if (--this.#waiting === 0) this.#options.onBlocked(false)
    }
  }

  #sayBlocked(error: unknown): void {
    const { path, log, onBlocked } = this.#options
    log.error('Dead letters cannot be written; intake pauses until they can', { error, context: { path } })
    onBlocked(true)
  }

  async #write(record: DeadLetter): Promise<Failure | undefined> {
    try {
      await this.#options.deadLetters.write(record)
      return undefined
    } catch (error) {
      return { error }
    }
  }
}
