/** From the bytes of a message to what it asks for: the first admission checks (JSON, envelope, version, ids, job). */
import { JobError } from '../errors.ts'
import { isNestedTooDeeply } from '../lib/json-nesting.ts'
import type { Assignment, Caller, Form } from './assignment.ts'
import { FieldReader, isJobType, readAssignment, readCaller } from './assignment-fields.ts'
import { isEnvelope, knownKind } from './envelope.ts'
import { fixedText } from './error-message.ts'
import type { Headers } from './headers.ts'
import { isAcceptedVersion, isAssignmentId } from './ids.ts'
import { isJsonObject, type JsonObject, parseJson } from './json.ts'

/** What a message turned out to be. */
export type Decoded =
  | { readonly kind: 'assignment'; readonly assignment: Assignment }
  /** Of a version that is not understood here; the caller can be told. */
  | { readonly kind: 'refused'; readonly caller: Caller; readonly raw: JsonObject; readonly error: JobError }
  | Malformed
  /** An envelope of another known kind, `what`: nothing is to be done about it. */
  | { readonly kind: 'ignored'; readonly what: string }

interface Malformed {
  readonly kind: 'malformed'
  readonly reason: 'PARSE_ERROR' | 'DECODE_ERROR' | 'REJECTED'
  readonly error: JobError
  readonly form: Form
  /** Set when the caller can be told. */
  readonly caller?: Caller | undefined
  readonly raw?: JsonObject | undefined
}

/** Reads a message from the assign subject. Never throws. */
export function decodeAssignment(body: Uint8Array, headers: Headers): Decoded {
  let message: unknown
  try {
    message = parseJson(body)
  } catch {
    return {
      kind: 'malformed',
      reason: 'PARSE_ERROR',
      error: new JobError('PARSE_ERROR', fixedText('PARSE_ERROR')),
      form: 'bare',
    }
  }
  if (!isJsonObject(message)) return undecodable('bare')
  const deep = isNestedTooDeeply(body)
  if (!isEnvelope(message)) return decodeObject(message, headers, { form: 'bare', deep })
  const kind = knownKind(message['kind'])
  if (kind === undefined) return undecodable('envelope')
  if (kind !== 'exec_assign') return { kind: 'ignored', what: kind }
  const data = message['data']
  if (!isJsonObject(data)) return undecodable('envelope')
  return decodeObject(data, headers, { form: 'envelope', deep, version: message['version'] })
}

function undecodable(form: Form): Malformed {
  return {
    kind: 'malformed',
    reason: 'DECODE_ERROR',
    error: new JobError('DECODE_ERROR', fixedText('DECODE_ERROR')),
    form,
  }
}

/** What is known of a message beside the assignment in it. */
interface Around {
  readonly form: Form
  /** It is nested more deeply than can be handled. */
  readonly deep: boolean
  /** Of the envelope. */
  readonly version?: unknown
}

function decodeObject(data: JsonObject, headers: Headers, { form, deep, version }: Around): Decoded {
  const fields = new FieldReader()
  const caller = readCaller(data, headers, form, fields)
  const malformed = { kind: 'malformed', form, caller, raw: data } as const
  if (!isAcceptedVersion(version) || !isAcceptedVersion(data['version'])) {
    const error = new JobError('INVALID_FORMAT', 'The version is not supported', { details: { field: 'version' } })
    return caller ? { kind: 'refused', caller, raw: data, error } : { ...malformed, reason: 'REJECTED', error }
  }
  if (!caller) return { ...malformed, reason: 'DECODE_ERROR', error: badIds(data) }
  const { job } = data
  if (!isJsonObject(job)) return { ...malformed, reason: 'DECODE_ERROR', error: badField('job', job) }
  if (deep) return { ...malformed, reason: 'DECODE_ERROR', error: tooDeep() }
  const { type } = job
  if (!isJobType(type)) return { ...malformed, reason: 'DECODE_ERROR', error: badField('job.type', type) }
  return { kind: 'assignment', assignment: readAssignment(caller, job, type, data, fields) }
}

function tooDeep(): JobError {
  return new JobError('INVALID_INPUT', 'The assignment is nested too deeply')
}

function badIds(data: JsonObject): JobError {
  const field = isAssignmentId(data['assignment_id']) ? 'tenant_id' : 'assignment_id'
  return new JobError('DECODE_ERROR', fixedText('DECODE_ERROR'), { details: { field } })
}

function badField(field: string, value: unknown): JobError {
  const code = value === undefined || value === null ? 'MISSING_REQUIRED_FIELD' : 'INVALID_INPUT'
  return new JobError(code, fixedText(code), { details: { field } })
}
