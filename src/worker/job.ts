import type { Effect, Handler, Pool, RetryPolicy } from '../handler.ts'
import type { Assignment } from '../protocol/assignment.ts'
import type { Lease } from './lease.ts'
import type { Schedulable } from './schedule.ts'

/** Where a job is on its way; `waiting`: for people. */
export type JobState = 'queued' | 'running' | 'retrying' | 'waiting'

/** What becomes known of a job when it first has its slot. */
export interface Prepared {
  readonly input: unknown
  readonly effect: Effect
  readonly policy: RetryPolicy
  /** The limit the caller set for one attempt, in milliseconds. */
  readonly timeoutMs: number | undefined
}

interface Admission {
  readonly key: string
  readonly assignment: Assignment
  readonly handler: Handler
  readonly lease: Lease
  readonly receivedAt: number
  readonly deadlineAt: number | undefined
  readonly cost: number
  /** Tries that earlier holders of the delivery made. */
  readonly attempts: number
}

/** An admitted assignment, from admission to the ack. */
export class Job implements Schedulable {
  /** Tenant and assignment id, as one string. */
  readonly key: string
  readonly assignment: Assignment
  readonly handler: Handler
  readonly lease: Lease
  /** In monotonic milliseconds, as are the other moments. */
  readonly receivedAt: number
  readonly deadlineAt: number | undefined
  readonly cost: number
  readonly tenantId: string
  readonly priority: number
  readonly pool: Pool
  state: JobState = 'queued'
  /** Tries that have ended, those of earlier holders included. */
  attempts: number
  /** When the first attempt started here. */
  startedAt: number | undefined
  prepared: Prepared | undefined
  /** How it ends is decided and being reported: a cancellation comes too late. */
  isEnding = false
  #stopped: 'cancelled' | 'interrupted' | undefined
  #onStop: ((why: 'cancelled' | 'interrupted') => void) | undefined

  constructor(admission: Admission) {
    this.key = admission.key
    this.assignment = admission.assignment
    this.handler = admission.handler
    this.lease = admission.lease
    this.receivedAt = admission.receivedAt
    this.deadlineAt = admission.deadlineAt
    this.cost = admission.cost
    this.attempts = admission.attempts
    this.tenantId = admission.assignment.tenantId
    this.priority = admission.assignment.priority
    this.pool = admission.handler.pool
  }

  /** Set once the job has been told to stop. */
  get stopped(): 'cancelled' | 'interrupted' | undefined {
    return this.#stopped
  }

  /** Ends what the job is waiting for or running, now; a cancellation outranks an interruption. */
  stop(why: 'cancelled' | 'interrupted'): void {
    this.stopSoon(why)
    this.#onStop?.(why)
  }

  /** Lets the attempt that is running end by itself, but starts nothing more. */
  stopSoon(why: 'cancelled' | 'interrupted'): void {
    if (this.#stopped !== 'cancelled') this.#stopped = why
  }

  /** Says who is to be told of a stop from now on; undefined when no one waits. */
  onStop(stop: ((why: 'cancelled' | 'interrupted') => void) | undefined): void {
    this.#onStop = stop
  }
}
