import type { Reporter } from '../exchange/report.ts'
import type { Logger } from '../observe/logger.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Caller } from '../protocol/assignment.ts'
import { jobKey } from '../protocol/ids.ts'
import type { JsonObject } from '../protocol/json.ts'
import { type Duplicates, type Ended, fingerprint, repeatedHeaders } from './duplicates.ts'
import type { Lease, Leases } from './lease.ts'
import type { ParkingLot } from './parking-lot.ts'
import type { HeldJobs } from './status.ts'

interface Options {
  readonly held: HeldJobs
  readonly duplicates: Duplicates
  readonly parkingLot: Pick<ParkingLot, 'fingerprintOf' | 'answerAgain'>
  readonly leases: Leases
  readonly reporter: Pick<Reporter, 'publish'>
  readonly log: Logger
  readonly metrics: Metrics
}

/** Deals with messages whose id is in use already: what the first one got is the answer to all of them. */
export class Repeats {
  readonly #options: Options

  constructor(options: Options) {
    this.#options = options
  }

  /** Undefined when the id is new here; else resolves when the message has been dealt with. */
  answer(lease: Lease, caller: Caller, assignment: JsonObject | undefined): Promise<void> | undefined {
    const key = jobKey(caller)
    const running = this.#options.held.find(key)
    if (running !== undefined) {
      // The first is still at work and will answer for both.
      this.#count(caller, fingerprint(assignment) === fingerprint(running.assignment.raw))
      return this.#options.leases.end(lease)
    }
    const ended = this.#options.duplicates.find(key)
    if (ended === undefined) return this.#answerParked(lease, caller, assignment)
    this.#count(caller, fingerprint(assignment) === ended.fingerprint)
    return this.#publishAgain(lease, caller, ended)
  }

  #answerParked(lease: Lease, caller: Caller, assignment: JsonObject | undefined): Promise<void> | undefined {
    const { parkingLot, leases } = this.#options
    const parked = parkingLot.fingerprintOf(jobKey(caller))
    if (parked === undefined) return undefined
    this.#count(caller, fingerprint(assignment) === parked)
    return parkingLot.answerAgain(caller).then((done) => (done ? leases.end(lease) : leases.release(lease)))
  }

  async #publishAgain(lease: Lease, caller: Caller, ended: Ended): Promise<void> {
    const { leases, reporter } = this.#options
    const headers = repeatedHeaders(ended, caller)
    if (await reporter.publish({ body: ended.body, headers })) return leases.end(lease)
    leases.release(lease)
  }

  #count(caller: Caller, same: boolean): void {
    this.#options.metrics.assignment(same ? 'duplicate' : 'conflict')
    if (same) return
    this.#options.log.warn('An assignment id was used again for other work, which is not run', {
      assignment_id: caller.assignmentId,
      tenant_id: caller.tenantId,
    })
  }
}
