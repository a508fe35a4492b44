/** Jobs that wait for people, as the worker sees them: handed over to whoever keeps them, and asked after there. */
import { JobError } from '../errors.ts'
import type { ParkedJob, ParkedKey, ParkedState, Parking } from '../exchange/parking.ts'
import type { Reporter } from '../exchange/report.ts'
import type { Inquiry } from '../handler.ts'
import { backoffCeiling } from '../lib/backoff.ts'
import { BoundedMap } from '../lib/bounded-map.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../observe/logger.ts'
import { fingerprint } from './duplicates.ts'
import type { Job } from './job.ts'
import type { Outcome } from './outcome.ts'

interface Options {
  /** Undefined: nobody can be asked from here. */
  readonly parking: Parking | undefined
  readonly reporter: Pick<Reporter, 'publish'>
  readonly clock: Clock
  readonly log: Logger
}

/** How many parked jobs are remembered, and how long in milliseconds, as long as the results of those that ended here. */
const memory = { maxEntries: 10_000, maxAgeMs: 3_600_000 }
const firstRetryMs = 500
const longestRetryMs = 10_000

/** Hands jobs over. */
export class ParkingLot {
  readonly #options: Options
  /** The fingerprints of what was parked here lately. */
  readonly #parked: BoundedMap<string, number>

  constructor(options: Options) {
    this.#options = options
    this.#parked = new BoundedMap(memory, options.clock)
  }

  /** The fingerprint of a job that was parked here lately; undefined when there was none. */
  fingerprintOf(key: string): number | undefined {
    return this.#parked.get(key)
  }

  /** Answers a job again that was parked here: with its result, or with nothing as long as it waits. False: it could not be done. */
  async answerAgain(key: ParkedKey): Promise<boolean> {
    const state = await this.status(key)
    if (state === undefined) return false
    return state.state === 'waiting' || !state.isPublished || this.#options.reporter.publish(state.result)
  }

  /**
   * `parked`: the job is kept and its message may be acked. While it cannot be kept it is tried again, the message stays
   * held, until the worker stops. Never rejects.
   */
  async park(job: Job, inquiry: Inquiry): Promise<Outcome> {
    const { parking, clock, log } = this.#options
    if (parking === undefined) {
      return failed(new JobError('PERMISSION_DENIED', 'Nobody can be asked from here: there is no place to wait'))
    }
    const waiting = new AbortController()
    job.onStop((why) => why === 'interrupted' && waiting.abort())
    if (job.stopped === 'interrupted') waiting.abort()
    try {
      for (let tries = 1; !waiting.signal.aborted; tries++) {
        try {
          const state = await parking.park(this.#parkedJob(job), inquiry, waiting.signal)
          return await this.#kept(job, inquiry, state)
        } catch (error) {
          if (error instanceof JobError) return failed(error)
          if (waiting.signal.aborted) break
          if (tries === 1) log.error('A question to people cannot be kept; its job is held until it can', { error })
        }
        await clock.sleep(backoffCeiling(tries, firstRetryMs, longestRetryMs), waiting.signal).catch(() => undefined)
      }
      return { kind: 'not-started', why: 'interrupted' }
    } finally {
      job.onStop(undefined)
    }
  }

  /** Ends a job that waits for people. False: it does not, as far as is known. Never rejects. */
  async cancel(key: ParkedKey): Promise<boolean> {
    const { parking, log } = this.#options
    try {
      return (await parking?.cancel(key)) === 'cancelled'
    } catch (error) {
      log.warn('It is not known whether the job waits for people, so it was not cancelled there', {
        assignment_id: key.assignmentId,
        tenant_id: key.tenantId,
        error,
      })
      return false
    }
  }

  /** Undefined: it neither waits for people nor has waited. Never rejects. */
  async status(key: ParkedKey): Promise<ParkedState | undefined> {
    return this.#options.parking?.status(key).catch(() => undefined)
  }

  /** `ok`, or why nothing can be kept now; undefined where nothing ever is. */
  health(): string | undefined {
    return this.#options.parking?.health()
  }

  async #kept(job: Job, inquiry: Inquiry, state: ParkedState): Promise<Outcome> {
    this.#parked.set(job.key, fingerprint(job.assignment.raw))
    // It was delivered again after its end: what it got then is the answer to this delivery too.
    if (state.state === 'ended' && state.isPublished) await this.#options.reporter.publish(state.result)
    if (job.stopped === 'cancelled') await this.cancel(job.assignment)
    return { kind: 'parked', inquiry }
  }

  #parkedJob({ assignment, handler, lease, prepared, startedAt, attempts }: Job): ParkedJob {
    const { subject, headers } = lease.delivery
    const now = this.#options.clock.monotonic()
    return {
      caller: assignment,
      type: handler.type,
      assignment: assignment.raw,
      origin: { subject, headers },
      timeoutMs: prepared?.timeoutMs,
      elapsedMs: now - (startedAt ?? now),
      attempts,
    }
  }
}

function failed(error: JobError): Outcome {
  return { kind: 'failed', error }
}
