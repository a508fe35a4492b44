/** The fields of an assignment, one by one: what cannot be used is left out, and where it stood is noted. */
import type { Assignment, Caller, Form, InputSource } from './assignment.ts'
import type { Headers } from './headers.ts'
import { isAssignmentId, isTenantId } from './ids.ts'
import { isJsonObject, type JsonObject } from './json.ts'
import { traceIdOf } from './trace.ts'

/** Optional texts are repeated in every answer; a longer one is taken for a mistake and ignored. */
const longestText = 4096

/** Longer names are no job types. They are repeated in every answer, twice. */
const longestJobType = 256

/** Reads fields out of one message and remembers which of them could not be used. */
export class FieldReader {
  readonly #ignored: string[] = []

  /** Paths whose values were ignored. */
  get ignored(): readonly string[] {
    return this.#ignored
  }

  /** A value that must satisfy `fits`; absent, null or unfit is undefined. */
  take<T>(value: unknown, path: string, fits: (value: unknown) => value is T): T | undefined {
    if (value === undefined || value === null) return undefined
    if (fits(value)) return value
    this.#ignored.push(path)
    return undefined
  }

  text(value: unknown, path: string): string | undefined {
    return value === '' ? undefined : this.take(value, path, isText)
  }

  /** A text for which callers write the word `undefined` when they have none. */
  id(value: unknown, path: string): string | undefined {
    return value === 'undefined' ? undefined : this.text(value, path)
  }

  integer(value: unknown, path: string): number | undefined {
    return this.take(value, path, isInteger)
  }

  count(value: unknown, path: string): number | undefined {
    return this.take(value, path, isCount)
  }

  object(value: unknown, path: string): JsonObject {
    return this.take(value, path, isJsonObject) ?? none
  }
}

const none: JsonObject = {}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= longestText
}

function isInteger(value: unknown): value is number {
  return Number.isInteger(value)
}

function isCount(value: unknown): value is number {
  return isInteger(value) && value >= 0 && Number.isSafeInteger(value)
}

/** Whether a value can be a job type: a text of 1 to 256 characters. */
export function isJobType(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= longestJobType
}

/** Who asks; undefined when the message has no usable assignment or tenant id, so that nobody can be answered. */
export function readCaller(data: JsonObject, headers: Headers, form: Form, fields: FieldReader): Caller | undefined {
  const { assignment_id: assignmentId, tenant_id: tenantId } = data
  if (!isAssignmentId(assignmentId) || !isTenantId(tenantId)) return undefined
  const correlation = fields.object(data['correlation'], 'correlation')
  const executor = fields.object(data['executor'], 'executor')
  const related = (name: string): string | undefined =>
    fields.text(data[name], name) ?? fields.text(correlation[name], `correlation.${name}`)
  const traceparent = validTraceparent(headers)
  const jobType = isJsonObject(data['job']) ? data['job']['type'] : undefined
  return {
    assignmentId,
    tenantId,
    requestId: fields.id(data['request_id'], 'request_id'),
    jobType: isJobType(jobType) ? jobType : undefined,
    providerId: fields.text(executor['provider_id'], 'executor.provider_id'),
    traceId:
      fields.id(correlation['trace_id'], 'correlation.trace_id') ??
      fields.id(data['trace_id'], 'trace_id') ??
      fields.id(header(headers, 'trace_id'), 'headers.trace_id') ??
      (traceparent && traceIdOf(traceparent)),
    runId: related('run_id'),
    flowId: related('flow_id'),
    stepId: related('step_id'),
    traceparent,
    form,
  }
}

/** The whole assignment of a caller whose job has a type. */
export function readAssignment(
  caller: Caller,
  job: JsonObject,
  jobType: string,
  data: JsonObject,
  fields: FieldReader,
): Assignment {
  const options = fields.object(data['options'], 'options')
  const retry = fields.object(options['retry'], 'options.retry')
  const metadata = isJsonObject(data['metadata']) ? data['metadata'] : none
  const maxAttempts = fields.integer(retry['max_attempts'], 'options.retry.max_attempts')
  const backoffMs = fields.count(retry['backoff_ms'], 'options.retry.backoff_ms')
  return {
    ...caller,
    jobType,
    input: readInput(job),
    timeoutMs: job['timeout_ms'] ?? undefined,
    priority: clamp(fields.integer(options['priority'], 'options.priority') ?? 50, 0, 100),
    deadlineMs: fields.count(options['deadline_ms'], 'options.deadline_ms'),
    retry:
      maxAttempts === undefined && backoffMs === undefined
        ? undefined
        : {
            maxAttempts: maxAttempts === undefined ? undefined : clamp(maxAttempts, 1, 100),
            backoffMs: backoffMs === undefined ? undefined : Math.min(backoffMs, 30_000),
          },
    userId: fields.text(metadata['user_id'], 'metadata.user_id'),
    raw: data,
    ignored: fields.ignored,
  }
}

/** The payload, whatever its type; else what callers of other generations send in its place. */
function readInput(job: JsonObject): InputSource {
  const { type: _type, timeout_ms: _timeout, retry: _retry, payload, inputs, payload_ref: ref, ...flat } = job
  if (payload !== undefined && payload !== null) return { kind: 'value', value: payload }
  if (inputs !== undefined && inputs !== null) return { kind: 'value', value: inputs }
  if (ref !== undefined && ref !== null) return { kind: 'ref', ref }
  return { kind: 'value', value: flat }
}

function validTraceparent(headers: Headers): string | undefined {
  const value = header(headers, 'traceparent')
  return value !== undefined && traceIdOf(value) !== undefined ? value : undefined
}

/** A header by its lower-case name, however the caller's client has spelt it. */
function header(headers: Headers, name: string): string | undefined {
  for (const key in headers) if (key.toLowerCase() === name) return headers[key]
  return undefined
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value))
}
