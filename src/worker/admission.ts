import { JobError } from '../errors.ts'
import type { Handler } from '../handler.ts'
import type { Assignment } from '../protocol/assignment.ts'
import type { Registry } from './registry.ts'

/** What the operator lets in. */
export interface AdmissionRules {
  readonly registry: Registry
  /** The tenants served here; all when undefined. */
  readonly tenants: ReadonlySet<string> | undefined
}

/** The handler for an assignment, or the error it is refused with. */
export function admit(assignment: Assignment, rules: AdmissionRules): Handler | JobError {
  const handler = rules.registry.find(assignment.jobType)
  if (handler === undefined) {
    return new JobError('UNKNOWN_JOB_TYPE', `Unknown job type: ${assignment.jobType}`, {
      details: { job_type: assignment.jobType },
    })
  }
  if (rules.tenants !== undefined && !rules.tenants.has(assignment.tenantId)) {
    return new JobError('TENANT_NOT_ALLOWED', 'This worker does not serve the tenant')
  }
  return handler
}

/**
 * When a job must have started, in monotonic milliseconds. A time limit of the caller's sets the deadline aside, unless
 * the operator has made deadlines strict.
 */
export function deadlineOf(assignment: Assignment, receivedAt: number, strict: boolean): number | undefined {
  if (assignment.deadlineMs === undefined || (!strict && hasOwnLimit(assignment))) return undefined
  return receivedAt + assignment.deadlineMs
}

function hasOwnLimit({ timeoutMs, input }: Assignment): boolean {
  if (timeoutMs !== undefined) return true
  const value = input.kind === 'value' ? input.value : undefined
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.hasOwn(value, 'timeout_ms') &&
    Reflect.get(value, 'timeout_ms') !== null
  )
}
