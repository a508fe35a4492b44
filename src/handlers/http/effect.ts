import type { Effect } from '../../handler.ts'

/** Safe by the IANA registry of methods: they change nothing. */
const safe = new Set(['GET', 'HEAD', 'OPTIONS', 'QUERY', 'PROPFIND', 'REPORT', 'SEARCH'])

/** Idempotent by the same registry. */
const idempotent = new Set([
  ...['PUT', 'DELETE', 'ACL', 'BIND', 'CHECKOUT', 'COPY', 'LINK', 'MKACTIVITY', 'MKCALENDAR', 'MKCOL', 'MOVE'],
  ...['PROPPATCH', 'REBIND', 'UNBIND', 'UNLINK'],
])

/** What a request with this method, in upper case, does when it is sent twice; `hasKey`: it carries an Idempotency-Key. */
export function effectOf(method: string, hasKey: boolean): Effect {
  if (safe.has(method)) return 'none'
  return idempotent.has(method) || hasKey ? 'idempotent' : 'once'
}
