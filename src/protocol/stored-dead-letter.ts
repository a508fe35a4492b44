/** A dead letter as it is read back from where it was kept, whoever wrote it there. */
import type { DeadLetter, DeadLetterReason } from './dead-letter.ts'
import { isJsonObject, type JsonObject } from './json.ts'

const ulid = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/

const reasons: Readonly<Record<DeadLetterReason, true>> = {
  PARSE_ERROR: true,
  DECODE_ERROR: true,
  REJECTED: true,
  JOB_FAILED: true,
  EXPIRED: true,
  MAX_DELIVERIES: true,
  PUBLISH_ERROR: true,
  INTERRUPTED: true,
}

const texts: readonly string[] = [
  ...['assignment_id', 'tenant_id', 'job_type', 'trace_id', 'error_code', 'error_message', 'replay_of', 'raw'],
]

/** The record that a text holds; undefined when it holds none, as where a crash cut it short. Fields unknown here stay. */
export function readDeadLetter(text: string): DeadLetter | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isJsonObject(value) && isDeadLetter(value) ? value : undefined
  } catch {
    return undefined
  }
}

function isDeadLetter(value: JsonObject): value is JsonObject & DeadLetter {
  const { id, ts, reason, worker_id: workerId, payload_ref: ref, form, omitted, headers, assignment, result } = value
  return (
    typeof id === 'string' &&
    ulid.test(id) &&
    typeof ts === 'string' &&
    typeof reason === 'string' &&
    Object.hasOwn(reasons, reason) &&
    typeof workerId === 'string' &&
    isJsonObject(ref) &&
    typeof ref['subject'] === 'string' &&
    typeof ref['len'] === 'number' &&
    (form === 'bare' || form === 'envelope') &&
    texts.every((name) => isMissingOr(value[name], 'string')) &&
    isMissingOr(value['attempts'], 'number') &&
    (assignment === undefined || isJsonObject(assignment)) &&
    (result === undefined || isJsonObject(result)) &&
    (headers === undefined ||
      (isJsonObject(headers) && Object.values(headers).every((each) => typeof each === 'string'))) &&
    (omitted === undefined || Array.isArray(omitted))
  )
}

function isMissingOr(value: unknown, type: 'string' | 'number'): boolean {
  return value === undefined || typeof value === type
}
