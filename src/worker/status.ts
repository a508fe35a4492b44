import { BoundedMap } from '../lib/bounded-map.ts'
import type { Clock } from '../lib/clock.ts'
import type { JsonObject } from '../protocol/json.ts'
import { decodeResult } from '../protocol/received-result.ts'
import { type Duplicates, jobKey } from './duplicates.ts'
import type { Job, JobState } from './job.ts'

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
    this.#byKey.delete(job.key)
  }

  [Symbol.iterator](): Iterator<Job> {
    return this.#byKey.values()
  }
}

/** What can be said of a job that is here or was here lately. */
export type JobStatus =
  | { readonly state: JobState; readonly tenantId: string }
  | { readonly state: 'done'; readonly tenantId: string; readonly result: JsonObject }

/** How many jobs can be found without naming their tenant, and for how long in milliseconds. */
const memory = { maxEntries: 20_000, maxAgeMs: 3_600_000 }

/** Answers what has become of a job. */
export class JobLookup {
  readonly #held: HeldJobs
  readonly #duplicates: Duplicates
  /** The tenant that used an assignment id last. */
  readonly #tenants: BoundedMap<string, string>

  constructor(held: HeldJobs, duplicates: Duplicates, clock: Clock) {
    this.#held = held
    this.#duplicates = duplicates
    this.#tenants = new BoundedMap(memory, clock)
  }

  /** Makes the job findable by its assignment id alone. */
  admitted({ assignment }: Job): void {
    this.#tenants.set(assignment.assignmentId, assignment.tenantId)
  }

  /** The tenant that used this assignment id last, as far as it is remembered. */
  tenantOf(assignmentId: string): string | undefined {
    return this.#tenants.get(assignmentId)
  }

  find(tenantId: string, assignmentId: string): JobStatus | undefined {
    const key = jobKey({ tenantId, assignmentId })
    const job = this.#held.find(key)
    if (job !== undefined) return { state: job.state, tenantId }
    const ended = this.#duplicates.find(key)
    const received = ended === undefined ? undefined : decodeResult(ended.result.body)
    return received === undefined ? undefined : { state: 'done', tenantId, result: received.result }
  }
}
