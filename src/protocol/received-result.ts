/** A result as somebody who waits for it reads it. */
import { unwrap } from './envelope.ts'
import { isJsonObject, type JsonObject, parseJson } from './json.ts'

/** A result that arrived. */
export interface ReceivedResult {
  readonly assignmentId: string
  readonly tenantId: string
  readonly status: string
  /** The whole result object, without an envelope. */
  readonly result: JsonObject
}

/** Reads a published result, bare or in an envelope; undefined when it is none. Never throws. */
export function decodeResult(body: Uint8Array): ReceivedResult | undefined {
  let message: unknown
  try {
    message = parseJson(body)
  } catch {
    return undefined
  }
  if (!isJsonObject(message)) return undefined
  const result = unwrap(message)
  const { assignment_id: assignmentId, tenant_id: tenantId, status } = result
  if (typeof assignmentId !== 'string' || typeof tenantId !== 'string' || typeof status !== 'string') return undefined
  return { assignmentId, tenantId, status, result }
}
