import { isAcceptedVersion, isAssignmentId, isTenantId } from '../protocol/ids.ts'
import { encodeText, isJsonObject, isShallow, type JsonObject, objectText } from '../protocol/json.ts'

/** An assignment that is ready to be sent. */
export interface Submission {
  readonly assignmentId: string
  readonly tenantId: string
  readonly body: Uint8Array
}

/** One field that is wrong. */
export interface FieldProblem {
  readonly field: string
  readonly problem: string
}

/** The tenant of jobs that name none. */
const defaultTenant = 'local'

/**
 * Makes an assignment of what a person wrote: a whole assignment (bare or in an envelope's `data`), or only a job
 * `{"type","payload"}`. Missing ids are made up. Everything that is wrong is named at once.
 */
export function toSubmission(written: unknown): Submission | readonly FieldProblem[] {
  if (!isJsonObject(written)) return [{ field: '', problem: 'must be a JSON object: an assignment or a job' }]
  const isEnvelope = written['kind'] === 'exec_assign' && isJsonObject(written['data'])
  if (isEnvelope && !isAcceptedVersion(written['version'])) return [{ field: 'version', problem: 'is not supported' }]
  const inside = isEnvelope && isJsonObject(written['data']) ? written['data'] : written
  const assignment = inside['job'] === undefined && inside['type'] !== undefined ? wrapJob(inside) : inside
  if (!isShallow(assignment)) return [{ field: '', problem: 'is nested too deeply' }]
  const assignmentId = assignment['assignment_id'] ?? crypto.randomUUID()
  const tenantId = assignment['tenant_id'] ?? defaultTenant
  const problems = [...idProblems(assignmentId, tenantId), ...jobProblems(assignment['job'])]
  if (!isAssignmentId(assignmentId) || !isTenantId(tenantId) || problems.length > 0) return problems
  const complete = {
    ...assignment,
    version: assignment['version'] ?? '1',
    assignment_id: assignmentId,
    tenant_id: tenantId,
  }
  return { assignmentId, tenantId, body: encodeText(objectText(complete)) }
}

/** Only a job was written; ids beside it are the assignment's. */
function wrapJob(written: JsonObject): JsonObject {
  const { assignment_id, tenant_id, request_id, options, ...job } = written
  const outer = Object.entries({ assignment_id, tenant_id, request_id, options })
  return { ...Object.fromEntries(outer.filter(([, value]) => value !== undefined)), job }
}

function idProblems(assignmentId: unknown, tenantId: unknown): readonly FieldProblem[] {
  const problems: FieldProblem[] = []
  if (!isAssignmentId(assignmentId)) {
    problems.push({ field: 'assignment_id', problem: 'must be text of 1 to 128 bytes without control characters' })
  }
  if (!isTenantId(tenantId)) {
    problems.push({ field: 'tenant_id', problem: 'must be text of 1 to 256 bytes without control characters' })
  }
  return problems
}

function jobProblems(job: unknown): readonly FieldProblem[] {
  if (!isJsonObject(job)) return [{ field: 'job', problem: 'must be an object with a type' }]
  const { type } = job
  return typeof type === 'string' && type !== ''
    ? []
    : [{ field: 'job.type', problem: 'must be the name of a job type' }]
}
