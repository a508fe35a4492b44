/** Results that could not be published are published by the worker itself, once NATS is back. */
import { backoffCeiling } from '../lib/backoff.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../observe/logger.ts'
import type { DeadLetter } from '../protocol/dead-letter.ts'
import type { DeadLetterStore } from '../store/dead-letter-store.ts'
import type { Replayer } from './replay.ts'

interface Options {
  readonly store: Pick<DeadLetterStore, 'entries'>
  readonly replayer: Pick<Replayer, 'sendOne' | 'connected'>
  /** Who replays, for the marks. */
  readonly by: string
  readonly clock: Clock
  readonly log: Logger
}

/** Between two results, in milliseconds: at most a hundred a second. */
const paceMs = 10
/** Between two looks, in milliseconds; the pause grows as long as nobody takes the results. */
const firstPauseMs = 5_000
const longestPauseMs = 600_000
/** The share of the time that looking may take. */
const share = 0.05
/** How far the clocks of those who write may be apart, in milliseconds. */
const clockSlackMs = 60_000
/** How long one wait for the connection is, at most and at least, in milliseconds. */
const waitMs = 60_000
const shortestWaitMs = 1_000

/**
 * Looks through all dead letters at the start, and through the newest after each result that could not be published.
 * Each result is claimed first, so that of several workers one publishes it; what may have been sent already is left alone.
 */
export class AutoReplay implements AsyncDisposable {
  readonly #options: Options
  readonly #ending = new AbortController()
  /** Entries from this moment on have yet to be looked at, in milliseconds since 1970; undefined when none has. */
  #since: number | undefined = 0
  #wake: (() => void) | undefined
  #running: Promise<void> | undefined

  constructor(options: Options) {
    this.#options = options
  }

  start(): void {
    this.#running ??= this.#run()
  }

  /** A dead letter has been written. */
  noticed(record: DeadLetter): void {
    if (record.reason === 'PUBLISH_ERROR') this.#lookFrom(Date.parse(record.ts))
  }

  /** Begins nothing more, and resolves when what is being sent has been. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort()
    this.#wake?.()
    await this.#running
  }

  async #run(): Promise<void> {
    const { replayer, clock } = this.#options
    const { signal } = this.#ending
    for (let fruitless = 0; !signal.aborted; ) {
      if (this.#since === undefined) await this.#woken()
      if (!(await replayer.connected(waitMs, signal))) {
        fruitless = 0
        await clock.sleep(shortestWaitMs, signal).catch(() => undefined)
        continue
      }
      const startedAt = clock.monotonic()
      const isThrough = await this.#look()
      fruitless = isThrough ? 0 : fruitless + 1
      const pauseMs = backoffCeiling(fruitless + 1, firstPauseMs, longestPauseMs)
      const tookMs = clock.monotonic() - startedAt
      await clock.sleep(Math.max(pauseMs, isThrough ? tookMs / share : 0), signal).catch(() => undefined)
    }
  }

  /** Publishes what can be; false: not all of it, and the rest is to be looked at again. */
  async #look(): Promise<boolean> {
    const since = this.#since
    if (since === undefined) return true
    this.#since = undefined
    const isThrough = await this.#replaySince(since - clockSlackMs).catch((error: unknown) => {
      if (!this.#ending.signal.aborted) {
        this.#options.log.warn('The dead letters could not be looked through for results; again later', { error })
      }
      return false
    })
    if (!isThrough) this.#lookFrom(since)
    return isThrough
  }

  async #replaySince(since: number): Promise<boolean> {
    const { store, replayer, by, clock } = this.#options
    const { signal } = this.#ending
    for await (const kept of store.entries(signal)) {
      const { record, mark } = kept
      if (signal.aborted || Date.parse(record.ts) < since) break
      if (record.reason !== 'PUBLISH_ERROR' || (mark !== undefined && mark.state !== 'failed')) continue
      const replayed = await replayer.sendOne(kept, [], { by, force: false }, signal)
      if (replayed.kind === 'failed' && replayed.cause !== 'too-large') return false
      await clock.sleep(paceMs, signal).catch(() => undefined)
    }
    return true
  }

  #lookFrom(time: number): void {
    this.#since = Math.min(this.#since ?? time, time)
    this.#wake?.()
  }

  #woken(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
      if (this.#ending.signal.aborted) resolve()
    })
  }
}
