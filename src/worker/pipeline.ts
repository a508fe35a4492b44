/**
 * The whole life of one admitted job, top to bottom:
 * wait for a slot, run one attempt, decide what is done about it, and either report, wait and try again, or give back.
 */
import type { Reporter } from '../exchange/report.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../observe/logger.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { DeadLetterReason } from '../protocol/dead-letter.ts'
import type { EncodedResult, Ending } from '../protocol/result.ts'
import type { Costs } from './cost.ts'
import { type Circumstances, type Disposition, dispose } from './disposition.ts'
import { type Duplicates, fingerprint } from './duplicates.ts'
import { type ExecuteOptions, execute } from './execute.ts'
import type { Job } from './job.ts'
import type { Leases } from './lease.ts'
import type { Outcome } from './outcome.ts'
import { overload } from './overload.ts'
import type { ParkingLot } from './parking-lot.ts'
import { usualPolicy } from './prepare.ts'
import type { RetryRoom } from './retry-room.ts'
import type { Slots } from './slots.ts'
import type { HeldJobs } from './status.ts'

interface Options {
  readonly slots: Slots
  readonly retryRoom: RetryRoom
  readonly reporter: Reporter
  readonly costs: Costs
  readonly leases: Leases
  readonly held: HeldJobs
  readonly duplicates: Duplicates
  readonly parkingLot: ParkingLot
  readonly execution: ExecuteOptions
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: Metrics
  readonly random: () => number
}

/** Carries jobs from admission to the ack. */
export class Pipeline {
  readonly #options: Options

  constructor(options: Options) {
    this.#options = options
  }

  /** Resolves when the job has left this worker; never rejects. */
  async run(job: Job): Promise<void> {
    for (;;) {
      const turn = await this.#options.slots.turn(job)
      if (turn === 'displaced') return this.#displace(job)
      if (turn === 'expired') this.#options.metrics.assignment('expired')
      const outcome = turn === 'slot' ? await this.#attempt(job) : withoutSlot(turn)
      const disposition = dispose(outcome, this.#circumstances(job))
      if (disposition.action !== 'retry') return this.#settle(job, outcome, disposition)
      this.#options.metrics.jobRetried(job.handler.type, disposition.error.code)
      if (!(await this.#waitForRetry(job, disposition))) return
    }
  }

  async #settle(job: Job, outcome: Outcome, disposition: Exclude<Disposition, { action: 'retry' }>): Promise<void> {
    switch (disposition.action) {
      case 'complete':
        return this.#finish(job, disposition.ending)
      case 'bury':
        return this.#finish(job, disposition.ending, disposition.reason)
      case 'park':
        // Its record has taken the place of the message.
        this.#options.held.remove(job)
        return this.#options.leases.end(job.lease)
      case 'give back':
        // An attempt that was interrupted is not charged.
        if (await this.#giveBack(job, { attempts: job.attempts - (outcome.kind === 'stopped' ? 1 : 0) })) return
        return this.#finish(job, disposition.ending, 'INTERRUPTED')
      default:
        return disposition satisfies never
    }
  }

  async #attempt(job: Job): Promise<Outcome> {
    const { slots, clock, costs, metrics, execution } = this.#options
    if (job.stopped !== undefined) {
      // It was told to stop after it got its slot and before it came to use it.
      slots.release(job)
      return { kind: 'not-started', why: job.stopped }
    }
    const startedAt = clock.monotonic()
    if (job.startedAt === undefined) metrics.jobWaited((startedAt - job.receivedAt) / 1000)
    job.startedAt ??= startedAt
    this.#enter(job, 'running')
    const outcome = await execute(job, execution)
    slots.release(job)
    costs.observe(job.tenantId, job.handler.type, clock.monotonic() - startedAt)
    if (outcome.kind !== 'failed' || !outcome.error.uncharged) job.attempts++
    if (outcome.kind === 'stopped' && outcome.stuck) this.#reportStuck(job)
    if (outcome.kind !== 'parked') return outcome
    this.#enter(job, 'waiting')
    return this.#options.parkingLot.park(job, outcome.inquiry)
  }

  #circumstances(job: Job): Circumstances {
    // Without an input nothing has been run.
    const { effect, policy } = job.prepared ?? { effect: 'none', policy: usualPolicy(job.assignment) }
    const { clock, random } = this.#options
    const timeLeftMs = job.deadlineAt === undefined ? undefined : job.deadlineAt - clock.monotonic()
    const elapsedMs = job.startedAt === undefined ? 0 : clock.monotonic() - job.startedAt
    return { attempts: job.attempts, elapsedMs, policy, effect, timeLeftMs, random }
  }

  /** True: it is to be tried again here. False: it was given back, to be continued by whoever receives it next. */
  async #waitForRetry(job: Job, { delayMs, error }: Disposition & { action: 'retry' }): Promise<boolean> {
    const { retryRoom } = this.#options
    // Time bounds what counts as no try, and whoever receives it begins to count anew: so going away counts.
    const attempts = job.attempts + (error.uncharged ? 1 : 0)
    if (retryRoom.isFull && (await this.#giveBack(job, { attempts, delayMs }))) return false
    this.#enter(job, 'retrying')
    await retryRoom.wait(job, delayMs)
    this.#enter(job, 'queued')
    return true
  }

  /** `attempts`: those that whoever continues must count. */
  async #giveBack(job: Job, options: { readonly attempts: number; readonly delayMs?: number }): Promise<boolean> {
    this.#letGo(job)
    if (await job.lease.delivery.giveBack({ ...options, accepted: true })) return true
    this.#takeBack(job)
    return false
  }

  /** Its place goes to another tenant's job: another worker takes it, or it is refused. */
  async #displace(job: Job): Promise<void> {
    this.#letGo(job)
    if (await job.lease.delivery.reoffer({ accepted: true })) return this.#options.metrics.assignment('reoffered')
    this.#takeBack(job)
    return this.#finish(job, { status: 'error', error: overload, retryable: true })
  }

  /** From here on what the job has given is in its result alone: large outputs are not held twice. */
  #finish(job: Job, ending: Ending, bury?: DeadLetterReason): Promise<void> {
    job.isEnding = true
    const endedAt = this.#options.clock.monotonic()
    const reporting = this.#options.reporter.report({
      caller: job.assignment,
      origin: job.lease.delivery,
      assignment: job.assignment.raw,
      ending,
      // Whoever was started has made a try, be it one that counts for nothing.
      attempts: job.startedAt === undefined ? job.attempts : Math.max(1, job.attempts),
      latencyMs: job.startedAt === undefined ? 0 : Math.round(endedAt - job.startedAt),
      isStored: job.lease.delivery.sequence !== undefined,
      ...(bury === undefined ? {} : { bury }),
    })
    return this.#end(job, endedAt, reporting)
  }

  async #end(job: Job, endedAt: number, reporting: Promise<EncodedResult | undefined>): Promise<void> {
    const { leases, duplicates, held } = this.#options
    const encoded = await reporting
    if (encoded === undefined) {
      // Neither published nor kept: it goes back to where it is stored.
      await this.#giveBack(job, { attempts: job.attempts })
      return
    }
    this.#account(job, encoded, (endedAt - (job.startedAt ?? endedAt)) / 1000)
    const mayComeAgain = encoded.ending.status !== 'success' && encoded.ending.error.code === 'SYSTEM_OVERLOAD'
    if (!mayComeAgain) duplicates.remember(job.key, fingerprint(job.assignment.raw), encoded)
    held.remove(job)
    await leases.end(job.lease)
  }

  /** It goes on elsewhere. Said before it is sent on: should it come straight back, it is no duplicate of itself. */
  #letGo(job: Job): void {
    this.#options.held.remove(job)
    this.#options.leases.release(job.lease)
  }

  /** Nobody else has it. */
  #takeBack(job: Job): void {
    this.#options.held.add(job)
    this.#options.leases.keep(job.lease)
  }

  #enter(job: Job, state: Job['state']): void {
    job.state = state
    const { log } = this.#options
    if (log.debugging) log.debug(`Job ${state}`, { ...idsOf(job), context: { attempts: job.attempts } })
  }

  #reportStuck(job: Job): void {
    this.#options.metrics.jobStuck(job.handler.type)
    this.#options.log.error('A handler ignores its signal and is still running', idsOf(job))
  }

  /** One line, one count and one observation for every job that ends here. */
  #account(job: Job, { ending, result }: EncodedResult, seconds: number): void {
    const { metrics, log } = this.#options
    const { type } = job.handler
    metrics.jobEnded(type, ending.status, seconds)
    const fields = { ...idsOf(job), status: ending.status, duration_ms: Math.round(seconds * 1000) }
    if (ending.status === 'success') return log.info('Job succeeded', fields)
    const { error } = ending
    metrics.jobFailed(type, error.code)
    if (ending.status === 'cancelled') return log.info('Job cancelled', { ...fields, error_code: error.code })
    // The fault is ours only when no handler foresaw it: then the operator needs to see where it came from.
    const cause = error.code === 'INTERNAL_ERROR' ? { error: error.cause ?? error } : {}
    // From the result, where they are masked.
    const context = { attempts: job.attempts, reason: error.message, details: result['error_details'] }
    log.warn('Job failed', { ...fields, error_code: error.code, context, ...cause })
  }
}

function withoutSlot(turn: 'expired' | 'cancelled' | 'interrupted'): Outcome {
  return turn === 'expired' ? { kind: 'expired' } : { kind: 'not-started', why: turn }
}

function idsOf({ assignment }: Job): Record<string, string | undefined> {
  return {
    assignment_id: assignment.assignmentId,
    request_id: assignment.requestId,
    tenant_id: assignment.tenantId,
    trace_id: assignment.traceId,
    job_type: assignment.jobType,
  }
}
