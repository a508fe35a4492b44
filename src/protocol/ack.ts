/** The answer to an assignment: whether it was let in. */
import type { Caller } from './assignment.ts'
import { type EnvelopeMode, wrap } from './envelope.ts'
import { answerHeaders, type Headers } from './headers.ts'
import { encodeText, objectText } from './json.ts'
import { isTraceId } from './trace.ts'

/** How full the worker's queue is, in the router's words. */
export type OverloadStatus = 'healthy' | 'degraded' | 'overloaded' | 'critical'

/** The word for a queue that is full to `fill` (0 to 1). */
export function overloadStatus(fill: number): OverloadStatus {
  if (fill < 0.5) return 'healthy'
  if (fill < 0.8) return 'degraded'
  return fill < 1 ? 'overloaded' : 'critical'
}

/** What an ack says. */
export interface AckContent {
  readonly status: 'accepted' | 'rejected' | 'error'
  /** What happened, in a fixed text; on a refusal it is repeated as `reason`. */
  readonly message?: string | undefined
  /** Why it was refused; stands for `message` when that is left out. */
  readonly reason?: string | undefined
  /** Milliseconds since 1970. */
  readonly acknowledgedAt: number
  readonly overloadStatus?: OverloadStatus | undefined
  /** The caller may send it again, so a second ack for it must not be dropped as a copy. */
  readonly mayRepeat?: boolean | undefined
}

/** An ack as it is published. Bare unless everything is to be wrapped. */
export function encodeAck(
  caller: Caller,
  ack: AckContent,
  mode: EnvelopeMode,
): { readonly body: Uint8Array; readonly headers: Headers } {
  const message = ack.message ?? ack.reason ?? `Assignment ${ack.status}`
  const text = objectText({
    version: '1',
    assignment_id: caller.assignmentId,
    request_id: caller.requestId,
    tenant_id: caller.tenantId,
    trace_id: caller.traceId !== undefined && isTraceId(caller.traceId) ? caller.traceId : undefined,
    status: ack.status,
    message,
    reason: ack.status === 'accepted' ? undefined : message,
    acknowledged_at: Math.round(ack.acknowledgedAt),
    overload_status: ack.overloadStatus,
  })
  return {
    body: encodeText(mode === 'always' ? wrap('exec_ack', text) : text),
    headers: answerHeaders(caller, 'ack', ack.mayRepeat ?? false),
  }
}
