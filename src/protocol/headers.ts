/** The headers of what is sent. Whatever they say stands in the payload as well. */
import type { Caller } from './assignment.ts'
import { isTraceId } from './trace.ts'

/** Names and values of a message's headers; values are visible ASCII and never empty. */
export type Headers = Readonly<Record<string, string>>

// `%` is escaped too, so that decoding gives back the very id.
const visible = /^[!-$&-~]+$/
const hidden = /[^!-$&-~]/gu

/** An id as a header value: what is not visible ASCII, and the percent sign, percent-encoded. */
function headerValue(id: string): string {
  return visible.test(id) ? id : id.toWellFormed().replace(hidden, encodeURIComponent)
}

/** What makes a stream drop a second copy: tenant, assignment and purpose, told apart whatever the ids contain. */
function messageId(caller: Pick<Caller, 'tenantId' | 'assignmentId'>, purpose: 'result' | 'ack'): string {
  const tenant = encodeURIComponent(caller.tenantId.toWellFormed())
  return `${tenant}:${encodeURIComponent(caller.assignmentId.toWellFormed())}:${purpose}`
}

/** The headers of an answer to `caller`. A refusal that the caller may send again goes without a message id. */
export function answerHeaders(caller: Caller, purpose: 'result' | 'ack', mayRepeat: boolean): Headers {
  const headers: Record<string, string> = { version: '1', tenant_id: headerValue(caller.tenantId) }
  if (!mayRepeat) headers['Nats-Msg-Id'] = messageId(caller, purpose)
  if (caller.traceId !== undefined && isTraceId(caller.traceId)) headers['trace_id'] = caller.traceId
  if (caller.traceparent !== undefined) headers['traceparent'] = caller.traceparent
  return headers
}

/** How many bytes the headers take in a NATS message, status line and blank line included. */
export function headerBytes(headers: Headers): number {
  let bytes = 'NATS/1.0\r\n\r\n'.length
  for (const name in headers) bytes += name.length + (headers[name]?.length ?? 0) + ': \r\n'.length
  return bytes
}
