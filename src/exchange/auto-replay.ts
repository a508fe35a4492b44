/** Results that could not be published are published by the worker itself, once NATS is back. */
import { backoffCeiling } from '../lib/backoff.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../observe/logger.ts'
import type { DeadLetter } from '../protocol/dead-letter.ts'
import type { DeadLetterStore, KeptDeadLetter } from '../store/dead-letter-store.ts'
import { RefusedResults } from './refused-results.ts'
import type { Replayer } from './replay.ts'
import type { Replayed } from './replay-end.ts'

interface Options {
  readonly store: Pick<DeadLetterStore, 'entries'>
  readonly replayer: Pick<Replayer, 'sendOne' | 'connected'>
  /** Who replays, for the marks. */
  readonly by: string
  readonly clock: Clock
  readonly log: Logger
}

interface Look {
  /** False: not everything was tried, and the rest is to be looked at again. */
  readonly isThrough: boolean
  readonly sent: number
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
/** So many in a row that fail for a reason outside of them say that the others would fail too. */
const mostInARow = 3
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
  readonly #refused: RefusedResults
  #wake: (() => void) | undefined
  #running: Promise<void> | undefined

  constructor(options: Options) {
    this.#options = options
    this.#refused = new RefusedResults(options.clock)
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
      const { isThrough, sent } = await this.#look()
      fruitless = isThrough || sent > 0 ? 0 : fruitless + 1
      const pauseMs = backoffCeiling(fruitless + 1, firstPauseMs, longestPauseMs)
      const tookMs = clock.monotonic() - startedAt
      await clock.sleep(Math.max(pauseMs, isThrough ? tookMs / share : 0), signal).catch(() => undefined)
    }
  }

  /** Publishes what can be. */
  async #look(): Promise<Look> {
    const since = Math.min(this.#since ?? Number.POSITIVE_INFINITY, this.#refused.dueFrom)
    if (since === Number.POSITIVE_INFINITY) return { isThrough: true, sent: 0 }
    this.#since = undefined
    const startedAt = this.#options.clock.monotonic()
    const look = await this.#replaySince(since - clockSlackMs).catch((error: unknown) => {
      if (!this.#ending.signal.aborted) {
        this.#options.log.warn('The dead letters could not be looked through for results; again later', { error })
      }
      return { isThrough: false, sent: 0 }
    })
    if (look.isThrough) this.#refused.forgetDueAt(startedAt)
    else this.#lookFrom(since)
    return look
  }

  async #replaySince(since: number): Promise<Look> {
    const { replayer, by, clock } = this.#options
    const { signal } = this.#ending
    let sent = 0
    // Those that failed for a reason outside of them, since one was sent or refused.
    const missed: DeadLetter[] = []
    for await (const kept of this.#dueSince(since)) {
      const end = endOf(await replayer.sendOne(kept, [], { by, force: false }, signal))
      if (end === 'sent') sent += 1
      else if (end === 'refused') this.#refused.add(kept.record)
      if (end === 'missed') missed.push(kept.record)
      else if (end !== 'neither') for (const each of missed.splice(0)) this.#refused.add(each)
      if (missed.length === mostInARow) break
      await clock.sleep(paceMs, signal).catch(() => undefined)
    }
    return { isThrough: missed.length === 0, sent }
  }

  async *#dueSince(since: number): AsyncGenerator<KeptDeadLetter, void> {
    const { signal } = this.#ending
    for await (const kept of this.#options.store.entries(signal)) {
      if (signal.aborted || Date.parse(kept.record.ts) < since) return
      if (isOpen(kept) && !this.#refused.holdsBack(kept)) yield kept
    }
  }

  #lookFrom(time: number): void {
    this.#since = Math.min(this.#since ?? time, time)
    this.#wake?.()
  }

  /** Resolves when there is something to look for. */
  async #woken(): Promise<void> {
    const { clock } = this.#options
    const waitMs = Math.max(0, this.#refused.nextMs - clock.monotonic())
    const due = waitMs === Number.POSITIVE_INFINITY ? undefined : clock.after(waitMs, () => this.#wake?.())
    await new Promise<void>((resolve) => {
      this.#wake = resolve
      if (this.#ending.signal.aborted) resolve()
    })
    due?.cancel()
  }
}

function isOpen({ record, mark }: KeptDeadLetter): boolean {
  return record.reason === 'PUBLISH_ERROR' && (mark === undefined || mark.state === 'failed')
}

/** Whether it was sent, or not for a reason of its own, or not for one that others have too; `neither` says nothing of others. */
function endOf(replayed: Replayed): 'sent' | 'refused' | 'missed' | 'neither' {
  switch (replayed.kind) {
    case 'sent':
      return 'sent'
    case 'failed':
      return replayed.cause === 'refused' || replayed.cause === 'too-large' ? 'refused' : 'missed'
    case 'unsure':
      return 'missed'
    case 'taken':
    case 'unreplayable':
    case 'missing':
      return 'neither'
    default:
      return replayed satisfies never
  }
}
