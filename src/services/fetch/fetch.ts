/** Requests to other people's servers, by one policy: what may be reached, for how long, how often, how much. */
import type { Config } from '../../config/schema.ts'
import { JobError } from '../../errors.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Egress, Resolve } from '../../lib/egress.ts'
import { httpMethods } from '../../lib/http-method.ts'
import type { Logger } from '../../observe/logger.ts'
import type { Metrics } from '../../observe/metrics.ts'
import { type BreakerStates, Breakers, type Verdict } from './breaker.ts'
import { Dialer } from './dialer.ts'
import type { Exchange } from './exchange.ts'
import { Line } from './line.ts'
import { originOf } from './origin.ts'
import { OriginGate } from './origin-gate.ts'
import { type Hop, redirected } from './redirect.ts'
import { afterSending, calledOff, isFirstByteTimeout, tooManyRedirects } from './request-failure.ts'
import { rememberingResolve } from './resolver.ts'

/** A request as it is to leave: every value in it is final, secrets included. */
export interface OutgoingRequest {
  /** In upper case; one of `httpMethods`. */
  readonly method: string
  readonly url: URL
  readonly headers: Headers
  readonly body?: Uint8Array | undefined
  /**
   * Headers that carry credentials, in lower case, beside authorization, cookie and proxy-authorization: they are
   * dropped when a redirect leaves the origin.
   */
  readonly credentials: ReadonlySet<string>
  /** It may be sent again after it may have left the process. */
  readonly repeatable: boolean
  /** Whose circuit breaker counts. */
  readonly tenantId: string
  /** Redirects to follow; with 0 a redirect is the answer. */
  readonly maxRedirects: number
  /** Longest wait from the connection to the head of the response, in milliseconds. */
  readonly firstByteTimeoutMs?: number | undefined
  /** Whether a status speaks against the health of the origin. */
  isFailure(status: number): boolean
  /** Takes the bodies it wants in place of the answer, whose own is empty then. */
  readonly sink?: BodySink | undefined
}

/** Takes bodies as they arrive, decompressed, so that nobody has to hold them. */
export interface BodySink {
  /** The most bytes of one, before and after decompression; instead of HTTP_MAX_RESPONSE_BYTES. */
  readonly limit: number
  wants(status: number): boolean
  /** Resolves when it has dealt with all of it; the pieces reject when it is cut off, and so must this. */
  take(head: Omit<Answer, 'body'>, pieces: AsyncIterable<Uint8Array>): Promise<void>
}

/** A whole response, decompressed. */
export interface Answer {
  readonly status: number
  /** Without those that no longer fit the decompressed body. */
  readonly headers: Headers
  /** Where it came from, after redirects. */
  readonly url: URL
  readonly body: Uint8Array
}

/** Sends requests. */
export interface Fetch extends AsyncDisposable {
  /**
   * Resolves with whatever status the server answered. Rejects with a JobError: PERMISSION_DENIED (egress policy),
   * HTTP_REQUEST_FAILED, CONNECTION_TIMEOUT, TIMEOUT (first byte), QUOTA_EXCEEDED (size), RESOURCE_UNAVAILABLE (open
   * breaker, too many requests to the origin, too many look-ups of names: `uncharged`); `unsent` exactly when it
   * certainly did not leave the process. When `signal` aborts it rejects at once.
   */
  request(request: OutgoingRequest, signal: AbortSignal): Promise<Answer>
  breakerStates(): BreakerStates
}

/** What sending depends on. */
export interface FetchOptions {
  readonly config: Pick<Config['outgoing'], 'connectTimeoutMs' | 'maxResponseBytes' | 'maxRedirects' | 'maxPerOrigin'>
  readonly egress: Egress
  readonly clock: Clock
  readonly log: Logger
  /** Instead of Math.random. */
  readonly random?: () => number
  /** Instead of the system's way, with a memory of five seconds. */
  readonly resolve?: Resolve
  /** Is given the states of the circuit breakers to read. */
  readonly metrics?: Pick<Metrics, 'observe'>
}

/** Opens the service; closing it ends what is still under way with RESOURCE_UNAVAILABLE. */
export function openFetch(options: FetchOptions): Fetch {
  const fetch = new PolicedFetch(options)
  options.metrics?.observe({ breakers: () => fetch.breakerStates() })
  return fetch
}

const sendable: ReadonlySet<string> = new Set(httpMethods)

class PolicedFetch implements Fetch {
  readonly #options: FetchOptions
  readonly #dialer: Dialer
  readonly #gate: OriginGate
  readonly #breakers: Breakers
  readonly #line: Line
  readonly #underWay = new Set<Promise<unknown>>()

  constructor(options: FetchOptions) {
    const { config, clock, random = Math.random } = options
    this.#options = options
    const resolve = options.resolve ?? rememberingResolve(clock)
    const connectMs = config.connectTimeoutMs
    this.#line = new Line(clock)
    this.#dialer = new Dialer({ egress: options.egress, resolve, connectMs, line: this.#line })
    this.#gate = new OriginGate({ maxPerOrigin: config.maxPerOrigin, waitMs: connectMs }, clock)
    this.#breakers = new Breakers({ clock, random, log: options.log.child({ component: 'fetch' }) })
  }

  breakerStates(): BreakerStates {
    return this.#breakers.states()
  }

  async request(request: OutgoingRequest, signal: AbortSignal): Promise<Answer> {
    checkRequest(request)
    if (signal.aborted) throw calledOff(signal)
    const answer = this.#follow(request, signal)
    this.#underWay.add(answer)
    try {
      return await answer
    } finally {
      this.#underWay.delete(answer)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#line.close()
    await Promise.allSettled(this.#underWay)
  }

  async #follow(request: OutgoingRequest, signal: AbortSignal): Promise<Answer> {
    const { method, url, headers, body, repeatable } = request
    const most = Math.min(request.maxRedirects, this.#options.config.maxRedirects)
    let hop: Hop = { method, url, headers, body, repeatable }
    for (let followed = 0; ; followed++) {
      const reply = await this.#send(hop, request, most > 0, signal).catch((thrown: unknown) => {
        throw followed === 0 ? thrown : afterRedirect(thrown, signal)
      })
      if ('status' in reply) return reply
      if (followed === most) throw tooManyRedirects(hop.url.hostname)
      hop = reply
    }
  }

  /** One request and its whole answer, or the request that it redirects to. */
  async #send(hop: Hop, request: OutgoingRequest, follows: boolean, signal: AbortSignal): Promise<Answer | Hop> {
    const destination = this.#options.egress.admitUrl(hop.url)
    const { tenantId } = request
    const origin = originOf(hop.url, destination)
    using _place = await beforeSending(this.#gate.enter(tenantId, origin, signal), signal)
    const settle = this.#breakers.admit(tenantId, origin)
    try {
      using exchange = await this.#dialer.send(hop, destination, request.firstByteTimeoutMs, signal)
      const { status, headers } = exchange.head
      const next = follows ? redirected(hop, status, headers.get('location'), request.credentials) : undefined
      const reply = next ?? (await this.#answer(exchange, hop.url, request.sink))
      settle(request.isFailure(status) ? 'failure' : 'success')
      return reply
    } catch (thrown) {
      settle(verdictOf(thrown))
      throw thrown
    }
  }

  async #answer(exchange: Exchange, url: URL, sink: BodySink | undefined): Promise<Answer> {
    const { status } = exchange.head
    if (sink?.wants(status) !== true) {
      return { status, url, ...(await exchange.body(this.#options.config.maxResponseBytes)) }
    }
    const take = (headers: Headers, pieces: AsyncIterable<Uint8Array>): Promise<void> =>
      sink.take({ status, url, headers }, pieces)
    return { status, url, headers: await exchange.pour(sink.limit, take), body: new Uint8Array() }
  }
}

function checkRequest({ method, body }: OutgoingRequest): void {
  if (!sendable.has(method)) throw invalid('There is no such method', method)
  if (body !== undefined && (method === 'GET' || method === 'HEAD')) throw invalid('The method takes no body', method)
}

function invalid(message: string, method: string): JobError {
  return new JobError('INVALID_INPUT', message, { details: { field: 'method', method }, unsent: true })
}

async function beforeSending<T>(waiting: Promise<T>, signal: AbortSignal): Promise<T> {
  try {
    return await waiting
  } catch (thrown) {
    throw signal.aborted ? calledOff(signal) : thrown
  }
}

function afterRedirect(thrown: unknown, signal: AbortSignal): unknown {
  if (!(thrown instanceof JobError)) return thrown
  return thrown.unsent && signal.aborted ? signal.reason : afterSending(thrown)
}

/** Only what speaks about the server counts: not a certificate, not a refusal of our own, not an abort. */
function verdictOf(thrown: unknown): Verdict {
  if (!(thrown instanceof JobError)) return 'neither'
  if (thrown.code === 'QUOTA_EXCEEDED') return 'success'
  if (isFirstByteTimeout(thrown)) return 'failure'
  const isOfServer = thrown.code === 'CONNECTION_TIMEOUT' || thrown.code === 'HTTP_REQUEST_FAILED'
  return isOfServer && thrown.retry !== 'never' ? 'failure' : 'neither'
}
