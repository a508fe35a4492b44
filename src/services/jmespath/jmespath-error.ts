/** How expressions fail: fixed messages; what was wrong, and where in the expression, in the details. */
import { JobError } from '../../errors.ts'

/** The text is no expression. `position` counts UTF-16 units from 0. */
export function compileError(position: number, reason: string): JobError {
  return new JobError('JMESPATH_COMPILE_ERROR', 'The expression cannot be parsed', { details: { position, reason } })
}

/** The expression does not fit its data. `position` is where in the expression, in UTF-16 units from 0. */
export function evaluationError(position: number, reason: string): JobError {
  return new JobError('JMESPATH_RUNTIME_ERROR', 'The expression failed', { details: { position, reason } })
}

/** The data, what is made of it, or the value is too large or nested too deeply. */
export function limitError(limit: 'size' | 'depth'): JobError {
  return new JobError('SCRIPT_LIMIT_EXCEEDED', 'The expression went over a limit', { details: { limit } })
}
