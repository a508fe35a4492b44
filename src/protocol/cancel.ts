/** The request to cancel a job, which every worker hears, and the answer of the one that holds it. */
import { isAcceptedVersion, isAssignmentId, isTenantId } from './ids.ts'
import { encodeText, isJsonObject, objectText, parseJson } from './json.ts'

/** Which job is to be cancelled, and why. */
export interface CancelRequest {
  readonly assignmentId: string
  readonly tenantId: string
  readonly reason?: string | undefined
}

/** Reads a request; undefined when it cannot be read. Never throws. */
export function decodeCancel(body: Uint8Array): CancelRequest | undefined {
  let message: unknown
  try {
    message = parseJson(body)
  } catch {
    return undefined
  }
  if (!isJsonObject(message) || !isAcceptedVersion(message['version'])) return undefined
  const { assignment_id: assignmentId, tenant_id: tenantId, reason } = message
  if (!isAssignmentId(assignmentId) || !isTenantId(tenantId)) return undefined
  return { assignmentId, tenantId, reason: typeof reason === 'string' ? reason : undefined }
}

/** A request as it is published. */
export function encodeCancel({ assignmentId, tenantId, reason }: CancelRequest): Uint8Array {
  return encodeText(objectText({ version: '1', assignment_id: assignmentId, tenant_id: tenantId, reason }))
}

/** The answer: `cancelled` when nothing of the job runs any more, else `cancel_requested`. */
export function encodeCancelReply(status: 'cancelled' | 'cancel_requested'): Uint8Array {
  return encodeText(objectText({ status }))
}
