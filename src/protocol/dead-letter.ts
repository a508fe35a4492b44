/** What could not be done, written down whole so that it can be done again. */
import { type ErrorCode, errorKind, type JobError } from '../errors.ts'
import type { Mask } from '../lib/secret-mask.ts'
import type { Caller, Form } from './assignment.ts'
import { type EnvelopeMode, wrap } from './envelope.ts'
import { errorMessage } from './error-message.ts'
import type { Headers } from './headers.ts'
import { encodeText, isShallow, type JsonObject, objectText } from './json.ts'

/** Tells which dead letter a job is sent again for; whoever buries it then names that one. */
export const replayOfHeader = 'Beamline-Replay-Of'

const ulidShape = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/

/** Why something is a dead letter. REJECTED: its version, type or tenant was refused. */
export type DeadLetterReason =
  | 'PARSE_ERROR'
  | 'DECODE_ERROR'
  | 'REJECTED'
  | 'JOB_FAILED'
  | 'EXPIRED'
  | 'MAX_DELIVERIES'
  | 'PUBLISH_ERROR'
  | 'INTERRUPTED'

/** One line of the dead-letter file, under the names that stand in it. */
export interface DeadLetter {
  /** A ULID. */
  readonly id: string
  /** RFC 3339. */
  readonly ts: string
  readonly reason: DeadLetterReason
  readonly worker_id: string
  readonly assignment_id?: string | undefined
  readonly tenant_id?: string | undefined
  readonly job_type?: string | undefined
  readonly trace_id?: string | undefined
  readonly attempts?: number | undefined
  readonly error_code?: ErrorCode | undefined
  readonly error_message?: string | undefined
  /** The entry that this job was a replay of. */
  readonly replay_of?: string | undefined
  /** Where the message came from, and how many bytes it had. */
  readonly payload_ref: { readonly subject: string; readonly len: number }
  readonly form: Form
  readonly headers?: Headers | undefined
  readonly assignment?: JsonObject | undefined
  readonly result?: JsonObject | undefined
  /** The message as it came, in base64, when it cannot be shown as an assignment. */
  readonly raw?: string | undefined
  /** There was a secret in `assignment` or `raw`, which now stands masked there: sent again it would be something else. */
  readonly masked?: true | undefined
  /** What was left out, for the record was too large to be kept whole: which fields, of how many bytes. */
  readonly omitted?: readonly { readonly field: DeadLetterContents; readonly bytes: number }[] | undefined
}

/** The fields that notifications and lists leave out. */
export type DeadLetterContents = 'headers' | 'assignment' | 'result' | 'raw'

interface Parts {
  /** A ULID. */
  readonly id: string
  /** Milliseconds since 1970. */
  readonly timestamp: number
  readonly reason: DeadLetterReason
  readonly workerId: string
  readonly subject: string
  readonly body: Uint8Array
  readonly headers: Headers
  readonly form: Form
  readonly caller?: Caller | undefined
  readonly attempts?: number | undefined
  readonly error?: JobError | undefined
  readonly assignment?: JsonObject | undefined
  /** The result that could not be published, masked already. */
  readonly result?: JsonObject | undefined
  /** Is applied to values in `assignment` and `headers`, to the error message and `raw`. */
  readonly mask: Mask
}

/** The record of a failure. Whatever the parts, it can be written as JSON: what is nested too deeply is kept as `raw`. */
export function deadLetter(parts: Parts): DeadLetter {
  const { caller, error, mask } = parts
  const received = shallow(parts.assignment)
  const assignment = received && mask.data(received, 'keys')
  const body = received ? parts.body : mask.bytes(parts.body)
  return {
    id: parts.id,
    ts: new Date(parts.timestamp).toISOString(),
    reason: parts.reason,
    worker_id: parts.workerId,
    assignment_id: caller?.assignmentId,
    tenant_id: caller?.tenantId,
    job_type: caller?.jobType,
    trace_id: caller?.traceId,
    attempts: parts.attempts,
    error_code: error?.code,
    error_message: error && mask.text(errorMessage(error)),
    replay_of: replayOf(parts.headers),
    payload_ref: { subject: parts.subject, len: parts.body.length },
    form: parts.form,
    headers: Object.keys(parts.headers).length > 0 ? mask.data(parts.headers, 'keys') : undefined,
    assignment,
    result: shallow(parts.result),
    raw: assignment ? undefined : Buffer.from(body).toString('base64'),
    masked: assignment !== received || body !== parts.body || undefined,
  }
}

/** Anybody can send the header, so that only an id is taken from it. */
function replayOf(headers: Headers): string | undefined {
  const id = headers[replayOfHeader]
  return id !== undefined && ulidShape.test(id) ? id : undefined
}

function shallow(value: JsonObject | undefined): JsonObject | undefined {
  return value && isShallow(value) ? value : undefined
}

/** The record as one line of JSON, newline included. */
export function deadLetterLine(record: DeadLetter): string {
  return `${objectText({ ...record })}\n`
}

/** A record without its contents. */
export function deadLetterHead(record: DeadLetter): Omit<DeadLetter, DeadLetterContents> {
  const { headers, assignment, result, raw, ...head } = record
  return head
}

/** What is published of a record: all but the contents. Bare unless everything is to be wrapped. */
export function notification(record: DeadLetter, mode: EnvelopeMode): Uint8Array {
  const text = objectText(deadLetterHead(record))
  return encodeText(mode === 'always' ? wrap('dead_letter', text) : text)
}

/** Whether whoever sent the job is at fault, so that the record must not push out what an operator has to replay. */
export function isCallersFault({ reason, error_code: code }: DeadLetter): boolean {
  switch (reason) {
    case 'PARSE_ERROR':
    case 'DECODE_ERROR':
    case 'REJECTED':
      return true
    case 'JOB_FAILED':
      return code !== undefined && errorKind(code).number < 2000
    case 'EXPIRED':
    case 'MAX_DELIVERIES':
    case 'PUBLISH_ERROR':
    case 'INTERRUPTED':
      return false
  }
}
