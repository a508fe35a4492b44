import { JobError } from '../../../src/errors.ts'
import { type Clock, systemClock } from '../../../src/lib/clock.ts'
import { Egress, type Resolve } from '../../../src/lib/egress.ts'
import { type Logger, openLogger } from '../../../src/observe/logger.ts'
import { type Fetch, type OutgoingRequest, openFetch } from '../../../src/services/fetch/fetch.ts'

interface RigOptions {
  readonly clock?: Clock
  readonly log?: Logger
  readonly random?: () => number
  readonly resolve?: Resolve
  readonly connectTimeoutMs?: number
  readonly maxResponseBytes?: number
  readonly maxRedirects?: number
  readonly maxPerOrigin?: number
  readonly allowCidrs?: readonly string[]
}

/** A log that nobody reads. */
export const silentLog = openLogger({
  level: 'error',
  format: 'json',
  workerId: 'w',
  component: 'test',
  to: () => undefined,
})

/** The service for tests: every name is 127.0.0.1, and loopback may be reached. */
export function openTestFetch(options: RigOptions = {}): Fetch {
  const { clock = systemClock, resolve = async () => ['127.0.0.1'], allowCidrs = ['127.0.0.0/8'] } = options
  const { log = silentLog, random = Math.random } = options
  const { connectTimeoutMs = 5000, maxResponseBytes = 1_000_000, maxRedirects = 5, maxPerOrigin = 64 } = options
  return openFetch({
    config: { connectTimeoutMs, maxResponseBytes, maxRedirects, maxPerOrigin },
    egress: new Egress({ allowHosts: [], allowCidrs, denyCidrs: [] }),
    resolve,
    clock,
    log,
    random,
  })
}

/** A GET; a request with a body, such as `once`, says more. */
export function get(url: URL, parts: Partial<OutgoingRequest> = {}): OutgoingRequest {
  return {
    method: 'GET',
    url,
    headers: new Headers(),
    credentials: new Set(),
    repeatable: true,
    tenantId: 'acme',
    maxRedirects: 5,
    isFailure: (status) => status >= 500,
    ...parts,
  }
}

/** A POST that must not be sent twice. */
export function once(url: URL, parts: Partial<OutgoingRequest> = {}): OutgoingRequest {
  return get(url, { method: 'POST', body: Buffer.from('hello'), repeatable: false, ...parts })
}

/** A signal that never aborts. */
export const never = new AbortController().signal

/** What matters of how a request failed; throws when it did not. */
export async function failureOf(
  answer: Promise<unknown>,
): Promise<
  Pick<JobError, 'code' | 'retry' | 'unsent' | 'uncharged'> & { readonly reason: unknown; readonly error: JobError }
> {
  const thrown: unknown = await answer.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (!(thrown instanceof JobError)) throw new Error('There was no JobError', { cause: thrown })
  const { code, retry, unsent, uncharged, details } = thrown
  return { code, retry, unsent, uncharged, reason: details?.['reason'], error: thrown }
}
