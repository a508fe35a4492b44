/** The ids that other systems' formats govern: trace ids, run ids, the W3C trace header. */
import type { Caller } from './assignment.ts'
import type { JsonObject } from './json.ts'

const uuidV4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i
const hex32 = /^[0-9a-f]{32}$/i
const ulid = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/
const w3c = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/

/** Whether the router takes this as a `trace_id`: 32 hex digits or a UUIDv4. */
export function isTraceId(text: string): boolean {
  return hex32.test(text) || uuidV4.test(text)
}

/** Whether the router takes this as a `run_id`, `flow_id` or `step_id`: a UUIDv4 or an upper-case ULID. */
function isRunId(text: string): boolean {
  return uuidV4.test(text) || ulid.test(text)
}

/** The trace id inside a W3C `traceparent`; undefined when the header is not valid. */
export function traceIdOf(traceparent: string): string | undefined {
  return w3c.exec(traceparent)?.[1]
}

/**
 * The trace and run ids as a result has them. At top level the router takes only a valid trace id, and run ids only as a
 * valid three; `correlation` takes whatever the caller sent.
 */
export function traceFields(caller: Caller): JsonObject {
  const { traceId, runId, flowId, stepId } = caller
  const ids = [runId, flowId, stepId]
  const run = { run_id: runId, flow_id: flowId, step_id: stepId }
  const atTop = ids.every((id) => id !== undefined && isRunId(id))
  const related = traceId !== undefined || (!atTop && ids.some((id) => id !== undefined))
  return {
    ...(atTop && run),
    trace_id: traceId !== undefined && isTraceId(traceId) ? traceId : undefined,
    correlation: related ? { trace_id: traceId, ...(!atTop && run) } : undefined,
  }
}
