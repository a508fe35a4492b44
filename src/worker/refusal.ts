import type { JobError } from '../errors.ts'
import type { Reporter } from '../exchange/report.ts'
import type { Logger } from '../observe/logger.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Caller } from '../protocol/assignment.ts'
import type { Decoded } from '../protocol/codec.ts'
import type { DeadLetterReason } from '../protocol/dead-letter.ts'
import { jobKey } from '../protocol/ids.ts'
import type { JsonObject } from '../protocol/json.ts'
import type { Acks } from './acks.ts'
import { type Duplicates, fingerprint } from './duplicates.ts'
import type { Lease, Leases } from './lease.ts'

interface Options {
  readonly leases: Leases
  readonly acks: Acks
  readonly duplicates: Duplicates
  readonly reporter: Reporter
  readonly log: Logger
  readonly metrics: Metrics
}

/** What the caller is told, and why the message is dead-lettered, if it is. */
export interface Refusal {
  readonly lease: Lease
  readonly caller: Caller
  readonly assignment?: JsonObject | undefined
  readonly error: JobError
  readonly bury?: DeadLetterReason
  /** The job had been accepted before, so it gets no `rejected` now. */
  readonly silent?: boolean
}

/** Turns assignments away: ack `rejected`, dead letter, result, and only then the message is acked. */
export class Refusals {
  readonly #options: Options

  constructor(options: Options) {
    this.#options = options
  }

  async refuse({ lease, caller, assignment, error, bury, silent = false }: Refusal): Promise<void> {
    const { acks, metrics, reporter, log } = this.#options
    metrics.assignment('rejected')
    log.warn('An assignment was refused', {
      assignment_id: caller.assignmentId,
      tenant_id: caller.tenantId,
      job_type: caller.jobType,
      error_code: error.code,
    })
    if (!silent) acks.rejected(caller, error)
    const reported = await reporter.report({
      caller,
      origin: lease.delivery,
      ...(assignment === undefined ? {} : { assignment }),
      ending: { status: 'error', error, retryable: error.retry !== 'never' },
      attempts: 0,
      latencyMs: 0,
      isStored: lease.delivery.sequence !== undefined,
      ...(bury === undefined ? {} : { bury }),
    })
    const mayComeAgain = error.code === 'SYSTEM_OVERLOAD'
    if (reported !== undefined && !mayComeAgain) {
      this.#options.duplicates.remember(jobKey(caller), fingerprint(assignment), reported)
    }
    await this.#leave(lease, reported !== undefined)
  }

  /** What is no assignment is kept; whoever sent it is told when the ids can be read. */
  async answerMalformed(lease: Lease, malformed: Decoded & { readonly kind: 'malformed' }): Promise<void> {
    const { caller, raw, error, reason, form } = malformed
    const context = { reason, subject: lease.delivery.subject, bytes: lease.delivery.body.byteLength }
    this.#options.log.warn('A message on the assign subject is no assignment', { error_code: error.code, context })
    if (caller !== undefined) return this.refuse({ lease, caller, assignment: raw, error, bury: reason })
    const assignment = raw === undefined ? {} : { assignment: raw }
    const kept = await this.#options.reporter.keep({ origin: lease.delivery, form, reason, error, ...assignment })
    await this.#leave(lease, kept)
  }

  /** What was answered or kept is acked; what was neither goes back to where it is stored. */
  async #leave(lease: Lease, settled: boolean): Promise<void> {
    if (settled) return this.#options.leases.end(lease)
    this.#options.leases.release(lease)
    await lease.delivery.giveBack()
  }
}
