/** What arrives: who asks, for which job, under which limits. */
import { JobError } from '../errors.ts'
import { referencedPath } from '../lib/blob-reference.ts'
import { isJsonObject, type JsonObject } from './json.ts'

/** How a message travels: as it is, or in an envelope. */
export type Form = 'bare' | 'envelope'

/** What is known of whoever asked: enough to answer. */
export interface Caller {
  readonly assignmentId: string
  readonly tenantId: string
  readonly requestId?: string | undefined
  /** The spelling asked for. */
  readonly jobType?: string | undefined
  readonly providerId?: string | undefined
  /** As it came, in whatever format; from the headers when the message has none. */
  readonly traceId?: string | undefined
  readonly runId?: string | undefined
  readonly flowId?: string | undefined
  readonly stepId?: string | undefined
  /** A valid W3C header, to be handed on. */
  readonly traceparent?: string | undefined
  readonly form: Form
}

/** A handler's input, or the reference to where it is. */
export type InputSource =
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'ref'; readonly ref: unknown }

/** An assignment that can be admitted. The handler's input and `timeout_ms` are checked when the job runs. */
export interface Assignment extends Caller {
  readonly jobType: string
  readonly input: InputSource
  /** `job.timeout_ms` as it came; undefined when absent or null. */
  readonly timeoutMs: unknown
  /** 0 to 100; higher goes first. */
  readonly priority: number
  /** Milliseconds from receipt, 0 or more. */
  readonly deadlineMs?: number | undefined
  /** What the caller asks for: 1 to 100 tries, a base delay of 0 to 30,000 ms. */
  readonly retry?: { readonly maxAttempts?: number | undefined; readonly backoffMs?: number | undefined } | undefined
  readonly userId?: string | undefined
  /** The assignment object as received (the `data` of an envelope). */
  readonly raw: JsonObject
  /** Where values stood that could not be used and were ignored. */
  readonly ignored: readonly string[]
}

/** The path in the file store that a `payload_ref` names, unchecked. Throws INVALID_INPUT when it names none. */
export function payloadPath(reference: unknown): string {
  const path = referencedPath(reference)
  if (path !== undefined) return path
  const details = { field: 'payload_ref' }
  throw new JobError('INVALID_INPUT', 'The payload_ref is not of the form fs:<path>', { details })
}

/**
 * The limit of one attempt that the caller asks for, in milliseconds: the input's own `timeout_ms`, else the job's.
 * Undefined when there is none. Throws INVALID_INPUT when it is not a positive integer.
 */
export function explicitTimeoutMs(assignment: Assignment, input: unknown): number | undefined {
  const own = isJsonObject(input) ? (input['timeout_ms'] ?? undefined) : undefined
  const asked = own ?? assignment.timeoutMs
  if (asked === undefined) return undefined
  if (typeof asked === 'number' && Number.isSafeInteger(asked) && asked > 0) return asked
  const field = own === undefined ? 'job.timeout_ms' : 'job.payload.timeout_ms'
  throw new JobError('INVALID_INPUT', 'The limit in milliseconds is not a positive integer', { details: { field } })
}
