/** Delivery -> admitted job, or refusal: decode, id in use?, known type, tenant, room; then the ack `accepted`. */
import type { Delivery } from '../bus/bus.ts'
import { JobError } from '../errors.ts'
import type { Clock } from '../lib/clock.ts'
import { LargeGarbage } from '../lib/large-garbage.ts'
import { PacedQueue } from '../lib/paced-queue.ts'
import type { Logger } from '../observe/logger.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Assignment, Caller } from '../protocol/assignment.ts'
import { type Decoded, decodeAssignment } from '../protocol/codec.ts'
import { jobKey } from '../protocol/ids.ts'
import type { JsonObject } from '../protocol/json.ts'
import type { Acks } from './acks.ts'
import { type AdmissionRules, admit, deadlineOf } from './admission.ts'
import type { Cancellations } from './cancel.ts'
import type { Costs } from './cost.ts'
import { Job } from './job.ts'
import type { Lease, Leases } from './lease.ts'
import { overload } from './overload.ts'
import type { Redeliveries } from './redelivery.ts'
import type { Refusals } from './refusal.ts'
import type { Repeats } from './repeats.ts'
import type { Room } from './room.ts'
import type { HeldJobs } from './status.ts'

interface Options {
  readonly rules: AdmissionRules
  readonly strictDeadline: boolean
  readonly leases: Leases
  readonly held: HeldJobs
  readonly cancellations: Cancellations
  readonly room: Room
  readonly costs: Costs
  readonly acks: Acks
  readonly repeats: Repeats
  readonly redeliveries: Redeliveries
  readonly refusals: Refusals
  /** Takes over an admitted job. */
  readonly start: (job: Job) => Promise<void>
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: Metrics
}

/** How long taking in a flood may keep running jobs from their timers, in milliseconds. */
const budgetMs = 3
/** How many deliveries may wait to be looked at. */
const maxWaiting = 10_000

/** Lets assignments in. */
export class Intake {
  readonly #options: Options
  readonly #arrived: PacedQueue<Delivery>
  /** What receiving leaves behind. */
  readonly #garbage = new LargeGarbage()
  /** Assignments that have been received and have not left. */
  #underWay = 0
  #settling: PromiseWithResolvers<void> | undefined
  #stopped: Promise<void> | undefined

  constructor(options: Options) {
    this.#options = options
    const handle = (delivery: Delivery): void => this.#receive(delivery)
    this.#arrived = new PacedQueue({ handle, budgetMs, maxWaiting, clock: options.clock })
  }

  readonly #left = (): void => {
    this.#underWay--
    if (this.#underWay === 0) this.#settling?.resolve()
  }

  readonly #failed = (error: unknown): void => {
    this.#options.log.error('An assignment could not be dealt with', { error })
    this.#left()
  }

  /** Takes one delivery; returns at once and never throws. */
  receive(delivery: Delivery): void {
    this.#arrived.push(delivery)
  }

  #receive(delivery: Delivery): void {
    const { leases, metrics } = this.#options
    if (this.#garbage.add(delivery.body.length)) this.#garbage.collect()
    if (delivery.deliveries > 1) metrics.redelivered()
    if (delivery.sequence !== undefined) {
      const held = leases.find(delivery.sequence)
      if (held !== undefined) return held.adopt(delivery)
      if (leases.hasEnded(delivery.sequence)) return this.#follow(delivery.ack())
    }
    const lease = leases.hold(delivery)
    if (delivery.deliveries > 1 || delivery.alreadyAccepted) this.#follow(this.#readmit(lease))
    else this.#take(lease, 0)
  }

  /** How many messages have been received and have not left. */
  get underWay(): number {
    return this.#underWay
  }

  /** From now on nothing is started: what still arrives is given back, once nothing more will (`stopped`). */
  drain(stopped: Promise<void>): void {
    this.#stopped = stopped
  }

  /** Resolves when everything that was received has left. */
  async settled(): Promise<void> {
    this.#arrived.finish()
    if (this.#underWay === 0) return
    this.#settling ??= Promise.withResolvers()
    await this.#settling.promise
  }

  #follow(work: Promise<void>): void {
    this.#underWay++
    work.then(this.#left, this.#failed)
  }

  async #readmit(lease: Lease): Promise<void> {
    const attempts = await this.#options.redeliveries.judge(lease)
    if (attempts !== undefined) this.#take(lease, attempts)
  }

  #take(lease: Lease, attempts: number): void {
    this.#decide(lease, decodeAssignment(lease.delivery.body, lease.delivery.headers), attempts)
  }

  #decide(lease: Lease, decoded: Decoded, attempts: number): void {
    const { metrics, leases, refusals, repeats } = this.#options
    const { caller, raw } = callerOf(decoded)
    const repeat = caller && repeats.answer(lease, caller, raw)
    if (repeat !== undefined) return this.#follow(repeat)
    switch (decoded.kind) {
      case 'assignment':
        return this.#consider(lease, decoded.assignment, attempts)
      case 'refused': {
        const { caller, raw, error } = decoded
        return this.#follow(refusals.refuse({ lease, caller, assignment: raw, error, bury: 'REJECTED' }))
      }
      case 'malformed':
        metrics.assignment('malformed')
        return this.#follow(refusals.answerMalformed(lease, decoded))
      case 'ignored':
        metrics.assignment('ignored')
        return this.#follow(leases.end(lease))
      default:
        return decoded satisfies never
    }
  }

  #consider(lease: Lease, assignment: Assignment, attempts: number): void {
    const { rules, held, room, log } = this.#options
    if (assignment.ignored.length > 0 && log.debugging) {
      const context = { ignored: assignment.ignored }
      log.debug('Fields of a wrong type are ignored', { assignment_id: assignment.assignmentId, context })
    }
    const handler = admit(assignment, rules)
    if (handler instanceof JobError) {
      const refusal = { lease, caller: assignment, assignment: assignment.raw, error: handler }
      return this.#follow(this.#options.refusals.refuse({ ...refusal, bury: 'REJECTED' }))
    }
    if (this.#stopped === undefined && !room.admits(lease.delivery, assignment.tenantId)) {
      return this.#follow(this.#overflow(lease, assignment))
    }
    const receivedAt = this.#options.clock.monotonic()
    const deadlineAt = deadlineOf(assignment, receivedAt, this.#options.strictDeadline)
    const cost = this.#options.costs.expected(assignment.tenantId, handler.type)
    const job = new Job({ key: jobKey(assignment), assignment, handler, lease, receivedAt, deadlineAt, cost, attempts })
    held.add(job)
    if (this.#stopped === undefined) this.#accept(job)
    else this.#follow(this.#passOn(job, this.#stopped))
  }

  #accept(job: Job): void {
    const { acks, cancellations, held, leases, metrics, start } = this.#options
    metrics.assignment('accepted')
    if (!job.lease.delivery.alreadyAccepted) acks.accepted(job.assignment)
    if (cancellations.awaits(job.key)) job.stop('cancelled')
    this.#follow(
      start(job).catch((error: unknown) => {
        this.#options.log.error('A job ended in a fault of the worker; it is let go without an ack', { error })
        held.remove(job)
        leases.release(job.lease)
      }),
    )
  }

  /** It came too late. When nobody else is there it is accepted all the same, and ends like the others that cannot go on. */
  async #passOn(job: Job, stopped: Promise<void>): Promise<void> {
    const { held, leases } = this.#options
    const { delivery } = job.lease
    await stopped
    if (!(await delivery.giveBack({ accepted: delivery.alreadyAccepted }))) {
      job.stop('interrupted')
      return this.#accept(job)
    }
    held.remove(job)
    leases.release(job.lease)
  }

  /** No room: another worker may have some. When none has, the caller is told to send it again. */
  async #overflow(lease: Lease, assignment: Assignment): Promise<void> {
    const { metrics, leases } = this.#options
    const accepted = lease.delivery.alreadyAccepted
    if (await lease.delivery.reoffer({ accepted })) {
      metrics.assignment('reoffered')
      return leases.release(lease)
    }
    await this.#options.refusals.refuse({ lease, caller: assignment, error: overload, silent: accepted })
  }
}

/** Whoever can be told, and what was asked for, as far as both can be read. */
function callerOf(decoded: Decoded): { readonly caller?: Caller | undefined; readonly raw?: JsonObject | undefined } {
  if (decoded.kind === 'ignored') return {}
  return decoded.kind === 'assignment' ? { caller: decoded.assignment, raw: decoded.assignment.raw } : decoded
}
