/** The port between the worker, whose job waits for people, and whoever keeps the question and hears the answer. */
import type { MessageHeaders } from '../bus/bus.ts'
import type { Inquiry } from '../handler.ts'
import type { Caller } from '../protocol/assignment.ts'
import type { JsonObject } from '../protocol/json.ts'

/** A job that is to wait, with all that its result will need. */
export interface ParkedJob {
  readonly caller: Caller
  /** The canonical job type. */
  readonly type: string
  /** The assignment object as received. */
  readonly assignment: JsonObject
  readonly origin: { readonly subject: string; readonly headers: MessageHeaders }
  /** The limit that the caller set for the job, in milliseconds. */
  readonly timeoutMs: number | undefined
  /** How long ago it was first started, in milliseconds. */
  readonly elapsedMs: number
  readonly attempts: number
}

/** A result as it was decided once and for all. */
interface KeptResult {
  readonly body: Uint8Array
  readonly headers: MessageHeaders
}

/** How things stand with a job that waits, or has waited. */
export type ParkedState =
  | { readonly state: 'waiting' }
  | { readonly state: 'ended'; readonly result: KeptResult; readonly isPublished: boolean }

/** Which job. */
export interface ParkedKey {
  readonly tenantId: string
  readonly assignmentId: string
}

/** Keeps jobs that wait for people. */
export interface Parking {
  /**
   * Keeps the job; once it resolves, the message it came in may be acked. The record of an earlier delivery stands: what
   * it says is the answer to this one too. Rejects with a JobError when the job can never be kept (QUOTA_EXCEEDED), with
   * a StoreError when it is not known to be kept.
   */
  park(job: ParkedJob, inquiry: Inquiry, signal: AbortSignal): Promise<ParkedState>
  /** Ends it without a decision. Undefined: not known here, or it has ended otherwise. Rejects with a StoreError. */
  cancel(key: ParkedKey): Promise<'cancelled' | undefined>
  /** Undefined: not known here. Rejects with a StoreError. */
  status(key: ParkedKey): Promise<ParkedState | undefined>
  /** `ok`, or in a few words why nothing can be kept now. */
  health(): string
}
