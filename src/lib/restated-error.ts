import { type ErrorCode, JobError, type Retry } from '../errors.ts'

/** What is said otherwise; everything else stays. */
interface Restatement {
  readonly code?: ErrorCode
  readonly retry?: Retry
  /** Laid over the details that are there. */
  readonly details?: Readonly<Record<string, unknown>>
  readonly output?: unknown
  readonly unsent?: boolean
}

/** The same error, as it is to be told by someone who knows more. */
export function restated(error: JobError, changes: Restatement): JobError {
  const { code = error.code, retry = error.retry, output = error.output, unsent = error.unsent } = changes
  const details = error.details || changes.details ? { ...error.details, ...changes.details } : undefined
  const { uncharged } = error
  return new JobError(code, error.message, {
    retry,
    ...(details && { details }),
    output,
    unsent,
    uncharged,
    cause: error.cause ?? error,
  })
}

/** Whatever was thrown while nothing had left the process yet, as an error that says so. */
export function unsentError(thrown: unknown): JobError {
  const error = JobError.from(thrown)
  return error.unsent ? error : restated(error, { unsent: true })
}
