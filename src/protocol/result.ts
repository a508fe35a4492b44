/** The one answer to an assignment that counts: how the job ended, in a form the router never throws away. */
import { errorKind, JobError } from '../errors.ts'
import type { Mask } from '../lib/secret-mask.ts'
import type { Caller } from './assignment.ts'
import { type EnvelopeMode, unwrap, wrap } from './envelope.ts'
import { errorMessage, errorType, fixedText } from './error-message.ts'
import { detailsOf, textOf, unwritable } from './foreign-json.ts'
import { answerHeaders, type Headers, headerBytes } from './headers.ts'
import { encodeText, isJsonObject, type JsonObject, objectText, parseJson } from './json.ts'
import { traceFields } from './trace.ts'

/** How a job ended, in the router's words. */
type JobStatus = 'success' | 'error' | 'timeout' | 'cancelled'

/** How a job ended, with what there is to say about it. */
export type Ending = Success | Failure

interface Success {
  readonly status: 'success'
  readonly output: unknown
}

/** How a job failed. */
export interface Failure {
  readonly status: 'error' | 'timeout' | 'cancelled'
  readonly error: JobError
  readonly retryable: boolean
  /** Laid over the error's own details. */
  readonly details?: JsonObject | undefined
}

/** What the worker adds. */
export interface ResultStamp {
  readonly workerId: string
  /** Attempts made; 0 for a refused job. */
  readonly attempts: number
  /** Milliseconds from the first start to the end; sent as 0 when there was no attempt. */
  readonly latencyMs: number
  /** When it ended, in milliseconds since 1970. */
  readonly timestamp: number
  readonly sandbox: boolean
}

/** A result as it is published. */
export interface EncodedResult {
  readonly body: Uint8Array
  readonly headers: Headers
  /** The result object inside the body, parsed anew at each access. */
  readonly result: JsonObject
  /** What is really said: an ending whose output cannot be sent has been replaced. The output is in the body alone. */
  readonly ending: Pick<Success, 'status'> | Failure
}

interface Parts {
  readonly output?: string | undefined
  readonly details?: string | undefined
}

interface ResultOptions {
  readonly mode: EnvelopeMode
  /** The largest message, headers included, in bytes. */
  readonly maxPayload: number
  /** Is applied to whatever the handler or those it talked to had to say; not to the names that details have. */
  readonly mask: Mask
}

/**
 * A result as it is published. Never throws. An output that is not JSON ends the job as INTERNAL_ERROR, one that does
 * not fit as OUTPUT_TOO_LARGE; a failed job keeps its error and loses what cannot be sent: its output, then its details.
 */
export function encodeResult(
  caller: Caller,
  ending: Ending,
  stamp: ResultStamp,
  options: ResultOptions,
): EncodedResult {
  return ending.status === 'success'
    ? encodeSuccess(caller, ending, stamp, options)
    : encodeFailure(caller, ending, stamp, options)
}

function encodeSuccess(caller: Caller, ending: Success, stamp: ResultStamp, options: ResultOptions): EncodedResult {
  const output = textOf(ending.output)
  if (output === unwritable) return encodeFailure(caller, failure('INTERNAL_ERROR'), stamp, options)
  const head = { ...opening(caller, ending.status, stamp), ...closing(caller, stamp) }
  const parts = { output: output && options.mask.json(output) }
  const encoded = seal(caller, { status: ending.status }, objectText(head), parts, options.mode)
  const bytes = messageBytes(encoded)
  if (bytes <= options.maxPayload) return encoded
  const tooLarge = failure('OUTPUT_TOO_LARGE', { bytes, limit: options.maxPayload })
  return encodeFailure(caller, tooLarge, stamp, options)
}

function encodeFailure(caller: Caller, ending: Failure, stamp: ResultStamp, options: ResultOptions): EncodedResult {
  const { error } = ending
  const { mask } = options
  const kind = errorKind(error.code)
  const [details, detailsText] = detailsOf(error.details, ending.details)
  const head = objectText({
    ...opening(caller, ending.status, stamp),
    error_code: error.code,
    error_message: mask.text(errorMessage(error, details)),
    error_class: kind.class,
    error_number: kind.number,
    error_type: errorType(error.code, details),
    retryable: ending.retryable,
    ...closing(caller, stamp),
  })
  const output = textOf(error.output)
  const maskedDetails = detailsText && mask.json(detailsText, 'keys')
  const whole = { output: output === unwritable ? undefined : output && mask.json(output), details: maskedDetails }
  for (const parts of [whole, { details: maskedDetails }]) {
    const encoded = seal(caller, ending, head, parts, options.mode)
    if (messageBytes(encoded) <= options.maxPayload) return encoded
  }
  return seal(caller, ending, head, {}, options.mode)
}

function failure(code: 'INTERNAL_ERROR' | 'OUTPUT_TOO_LARGE', details?: JsonObject): Failure {
  return { status: 'error', error: new JobError(code, fixedText(code), details && { details }), retryable: false }
}

function opening(caller: Caller, status: JobStatus, stamp: ResultStamp): JsonObject {
  return {
    version: '1',
    assignment_id: caller.assignmentId,
    request_id: caller.requestId,
    tenant_id: caller.tenantId,
    status,
    provider_id: caller.providerId ?? stamp.workerId,
    worker_id: stamp.workerId,
    job: caller.jobType === undefined ? undefined : { type: caller.jobType },
    job_type: caller.jobType,
  }
}

function closing(caller: Caller, stamp: ResultStamp): JsonObject {
  return {
    latency_ms: stamp.attempts === 0 ? 0 : wholeNumber(stamp.latencyMs),
    cost: 0,
    attempts: wholeNumber(stamp.attempts),
    timestamp: wholeNumber(stamp.timestamp),
    ...traceFields(caller),
    sandbox: stamp.sandbox || undefined,
  }
}

function wholeNumber(value: number): number {
  return Number.isFinite(value) ? Math.max(0, Math.round(value)) : 0
}

/** Puts the caller's or the handler's own JSON behind ours, and makes a message of it. */
function seal(
  caller: Caller,
  ending: EncodedResult['ending'],
  head: string,
  parts: Parts,
  mode: EnvelopeMode,
): EncodedResult {
  const text = `${head.slice(0, -1)}${member('output', parts.output)}${member('error_details', parts.details)}}`
  const wrapped = mode === 'always' || (mode === 'auto' && caller.form === 'envelope')
  const mayRepeat = ending.status !== 'success' && ending.error.code === 'SYSTEM_OVERLOAD'
  const body = encodeText(wrapped ? wrap('exec_result', text) : text)
  return {
    body,
    headers: answerHeaders(caller, 'result', mayRepeat),
    ending,
    get result(): JsonObject {
      const message = parseJson(body)
      return isJsonObject(message) ? unwrap(message) : {}
    },
  }
}

function member(key: string, json: string | undefined): string {
  return json === undefined ? '' : `,"${key}":${json}`
}

function messageBytes({ body, headers }: EncodedResult): number {
  return body.length + headerBytes(headers)
}
