/**
 * The one error a job can end with: a code from a closed list, and what to do about it.
 *
 * Messages are fixed texts. Everything that varies (field names, values, positions, statuses) belongs in `details`;
 * neither ever holds a payload or a secret.
 */

interface ErrorKind {
  /** The class the platform groups codes by. */
  readonly class: string
  /** The number the platform knows the class by. */
  readonly number: number
  /** Whether another attempt may help, when the error itself does not say. */
  readonly retried: boolean
  /** Set when the fault is the provider's: how the router counts it against the provider. */
  readonly errorType?: string
}

const invalidInput: ErrorKind = { class: 'INVALID_INPUT', number: 1001, retried: false }
const invalidFormat: ErrorKind = { class: 'INVALID_FORMAT', number: 1003, retried: false }
const executionFailed: ErrorKind = { class: 'EXECUTION_FAILED', number: 2001, retried: false }
const unavailable: ErrorKind = { class: 'RESOURCE_UNAVAILABLE', number: 2002, retried: true }
const permissionDenied: ErrorKind = { class: 'PERMISSION_DENIED', number: 2003, retried: false }
const quotaExceeded: ErrorKind = { class: 'QUOTA_EXCEEDED', number: 2004, retried: false }
const networkError: ErrorKind = { class: 'NETWORK_ERROR', number: 3001, retried: true, errorType: 'connection_error' }
const timedOut: ErrorKind = { class: 'CANCELLED_BY_TIMEOUT', number: 5002, retried: false }

/** Every code a result may carry, as the platform's table has them. A code missing here does not compile. */
export const errorKinds = {
  INVALID_INPUT: invalidInput,
  UNKNOWN_JOB_TYPE: invalidInput,
  INVALID_PATH: invalidInput,
  JMESPATH_COMPILE_ERROR: invalidInput,
  BASE64_DECODE_ERROR: invalidInput,
  MISSING_REQUIRED_FIELD: { class: 'MISSING_REQUIRED_FIELD', number: 1002, retried: false },
  INVALID_FORMAT: invalidFormat,
  PARSE_ERROR: invalidFormat,
  DECODE_ERROR: invalidFormat,
  GRAPHQL_RESPONSE_PARSE_ERROR: invalidFormat,
  SCRIPT_ERROR: executionFailed,
  JMESPATH_RUNTIME_ERROR: executionFailed,
  DB_QUERY_ERROR: executionFailed,
  GRAPHQL_ERRORS: executionFailed,
  FILE_WRITE_ERROR: executionFailed,
  FILE_EXISTS: executionFailed,
  PRECONDITION_FAILED: executionFailed,
  DATA_CORRUPT: executionFailed,
  RESOURCE_UNAVAILABLE: unavailable,
  FILE_NOT_FOUND: { ...unavailable, retried: false },
  DB_CONNECTION_ERROR: { ...unavailable, errorType: 'connection_error' },
  PERMISSION_DENIED: permissionDenied,
  TENANT_NOT_ALLOWED: permissionDenied,
  QUOTA_EXCEEDED: quotaExceeded,
  OUTPUT_TOO_LARGE: quotaExceeded,
  SCRIPT_LIMIT_EXCEEDED: quotaExceeded,
  HTTP_REQUEST_FAILED: networkError,
  GRAPHQL_REQUEST_FAILED: networkError,
  CONNECTION_TIMEOUT: { class: 'CONNECTION_TIMEOUT', number: 3002, retried: true, errorType: 'timeout' },
  HTTP_ERROR: { class: 'HTTP_ERROR', number: 3003, retried: false },
  INTERNAL_ERROR: { class: 'INTERNAL_ERROR', number: 4001, retried: false },
  SYSTEM_OVERLOAD: { class: 'SYSTEM_OVERLOAD', number: 4002, retried: true },
  CANCELLED: { class: 'CANCELLED_BY_USER', number: 5001, retried: false },
  TIMEOUT: { ...timedOut, retried: true, errorType: 'timeout' },
  DEADLINE_EXCEEDED: timedOut,
  APPROVAL_EXPIRED: timedOut,
} as const satisfies Record<string, ErrorKind>

/** One of the codes a result may carry. */
export type ErrorCode = keyof typeof errorKinds

/** The class, number and defaults of a code. */
export function errorKind(code: ErrorCode): ErrorKind {
  return errorKinds[code]
}

/** Whether another attempt may help: never, after the usual back-off, or after a wait that the other side asked for. */
export type Retry = 'never' | 'backoff' | { readonly afterMs: number }

interface JobErrorOptions {
  /** Overrides what the code says about another attempt. */
  readonly retry?: Retry
  /** What varies: field, position, status. Goes to `error_details` as it is. */
  readonly details?: Readonly<Record<string, unknown>>
  /** What the handler has to show although it failed, such as the body of a 404. */
  readonly output?: unknown
  /** The effect certainly did not leave this process, so even a `once` effect may be tried again. */
  readonly unsent?: boolean
  /** The attempt did nothing, for want of room or because the other side is left alone: it counts as no try. */
  readonly uncharged?: boolean
  readonly cause?: unknown
}

/** How an attempt fails: throw one from a handler. */
export class JobError extends Error {
  override readonly name = 'JobError'
  readonly code: ErrorCode
  readonly retry: Retry
  readonly details: Readonly<Record<string, unknown>> | undefined
  readonly output: unknown
  readonly unsent: boolean
  readonly uncharged: boolean

  constructor(code: ErrorCode, message: string, options: JobErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.retry = options.retry ?? (errorKind(code).retried ? 'backoff' : 'never')
    this.details = options.details
    this.output = options.output
    this.unsent = options.unsent ?? false
    this.uncharged = options.uncharged ?? false
  }

  /** Anything thrown, as a JobError. What is not one already is a fault of ours: INTERNAL_ERROR, the original as `cause`. */
  static from(thrown: unknown): JobError {
    if (thrown instanceof JobError) return thrown
    return new JobError('INTERNAL_ERROR', 'The job failed for an unexpected reason', { cause: thrown })
  }
}

/** Why the process cannot start: every problem at once, each by the name of its setting. Ends the process with code 2. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(problems.join('\n'))
    this.problems = problems
  }
}
