import { jobKey } from '../protocol/ids.ts'
import type { JsonObject } from '../protocol/json.ts'
import { decodeResult } from '../protocol/received-result.ts'
import type { Duplicates } from './duplicates.ts'
import type { Job, JobState } from './job.ts'
import type { ParkingLot } from './parking-lot.ts'

/** The jobs that are held here, from admission until they have left. */
export class HeldJobs implements Iterable<Job> {
  readonly #byKey = new Map<string, Job>()

  get size(): number {
    return this.#byKey.size
  }

  find(key: string): Job | undefined {
    return this.#byKey.get(key)
  }

  add(job: Job): void {
    this.#byKey.set(job.key, job)
  }

  remove(job: Job): void {
    if (this.#byKey.get(job.key) === job) this.#byKey.delete(job.key)
  }

  [Symbol.iterator](): Iterator<Job> {
    return this.#byKey.values()
  }
}

/** What can be said of a job that is here or was here lately. */
export type JobStatus =
  | { readonly state: JobState; readonly tenantId: string }
  | { readonly state: 'done'; readonly tenantId: string; readonly result: JsonObject }

/** Answers what has become of a job. */
export class JobLookup {
  readonly #held: HeldJobs
  readonly #duplicates: Duplicates
  readonly #lot: Pick<ParkingLot, 'status'>

  constructor(held: HeldJobs, duplicates: Duplicates, lot: Pick<ParkingLot, 'status'>) {
    this.#held = held
    this.#duplicates = duplicates
    this.#lot = lot
  }

  /** A tenant whose job has this assignment id, in linear time: few ask, so no index is kept for them. */
  tenantOf(assignmentId: string): string | undefined {
    for (const { assignment } of this.#held) if (assignment.assignmentId === assignmentId) return assignment.tenantId
    return this.#duplicates.tenantOf(assignmentId)
  }

  /** Whether it is held here, waits for people, or was here lately; undefined: not known. */
  async find(tenantId: string, assignmentId: string): Promise<JobStatus | undefined> {
    const key = jobKey({ tenantId, assignmentId })
    const job = this.#held.find(key)
    if (job !== undefined) return { state: job.state, tenantId }
    const ended = this.#duplicates.find(key)
    const parked = ended === undefined ? await this.#lot.status({ tenantId, assignmentId }) : undefined
    if (parked?.state === 'waiting') return { state: 'waiting', tenantId }
    const body = ended?.body ?? parked?.result.body
    const received = body === undefined ? undefined : decodeResult(body)
    return received === undefined ? undefined : { state: 'done', tenantId, result: received.result }
  }
}
