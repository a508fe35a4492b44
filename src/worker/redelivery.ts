import { JobError } from '../errors.ts'
import type { Logger } from '../observe/logger.ts'
import { decodeAssignment } from '../protocol/codec.ts'
import type { Lease } from './lease.ts'
import type { Refusals } from './refusal.ts'

interface Options {
  /** How many deliveries of a message may end in a crash or a lost lease before its job is buried unrun. */
  readonly maxDeliveries: number
  readonly refusals: Refusals
  readonly log: Logger
}

/** Judges messages that somebody held before. */
export class Redeliveries {
  readonly #options: Options

  constructor(options: Options) {
    this.#options = options
  }

  /** The attempts made before, to be continued. Undefined: it was struck out too often, and has been buried. */
  async judge(lease: Lease): Promise<number | undefined> {
    const { delivery } = lease
    const history = await delivery.history().catch((error: unknown) => {
      this.#options.log.warn('The history of a redelivered assignment is not known; no strike is counted', { error })
      return undefined
    })
    const strikes = history === undefined ? 0 : delivery.deliveries - 1 - history.giveBacks
    if (strikes < this.#options.maxDeliveries) return history?.attempts ?? 0
    const decoded = decodeAssignment(delivery.body, delivery.headers)
    // What is no assignment cannot have crashed anyone, and is dealt with like all of its kind.
    if (decoded.kind !== 'assignment') return 0
    const { assignment } = decoded
    const details = { reason: 'MAX_DELIVERIES', deliveries: delivery.deliveries }
    this.#options.log.error('An assignment is given up: its deliveries ended in crashes or lost leases', {
      assignment_id: assignment.assignmentId,
      tenant_id: assignment.tenantId,
      context: details,
    })
    const error = new JobError('INTERNAL_ERROR', 'The job was delivered too often without an end', { details })
    const refusal = { lease, caller: assignment, assignment: assignment.raw, error, silent: true }
    await this.#options.refusals.refuse({ ...refusal, bury: 'MAX_DELIVERIES' })
    return undefined
  }
}
