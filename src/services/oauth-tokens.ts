/** Access tokens by the client credentials grant (RFC 6749, section 4.4): asked for once, used until they expire. */
import { JobError, type Retry } from '../errors.ts'
import { buildInfo } from '../lib/build-info.ts'
import type { Clock } from '../lib/clock.ts'
import { isTransient, retryAfterMs } from '../lib/http-status.ts'
import { restated } from '../lib/restated-error.ts'
import { abortable } from './fetch/abortable.ts'
import type { Answer, Fetch, OutgoingRequest } from './fetch/fetch.ts'
import { learnedLength } from './secrets/known-secrets.ts'
import type { Secrets } from './secrets/secrets.ts'
import { requestKey, TokenCache, type TokenRequest } from './token-cache.ts'

export type { TokenRequest }

/** A token that can stand in an Authorization header. */
export interface Token {
  readonly value: string
  /** It was issued for this call, not remembered from an earlier one. */
  readonly isNew: boolean
}

/** Issues tokens, remembering them. */
export interface OauthTokens extends AsyncDisposable {
  /**
   * Those who ask for the same token at the same time share one request, which ends when the last of them leaves.
   * Rejects with the token request's JobError (`details.step` is `token`), certainly unsent as the caller's own request
   * is, or with the signal's reason. The token of a confidential client is masked for its tenant; HTTP_REQUEST_FAILED
   * when it is too short or too long for that (`details.reason`).
   */
  get(request: TokenRequest, signal: AbortSignal): Promise<Token>
  /** It is still in use: keeps it in the mask, also when many others were issued meanwhile. */
  keep(request: TokenRequest, token: Token): void
  /** Forgets this token, as it was refused. */
  drop(request: TokenRequest, token: Token): void
}

interface OauthTokenOptions {
  readonly fetch: Fetch
  readonly secrets: Pick<Secrets, 'learn'>
  readonly clock: Clock
}

interface Issued {
  readonly value: string
  readonly lifeMs: number
}

interface Asking {
  readonly issued: Promise<Issued>
  readonly controller: AbortController
  waiting: number
}

const longestLifeMs = 24 * 60 * 60 * 1000
/** For servers that do not say how long a token lives. */
const usualLifeMs = 5 * 60 * 1000
/** A token is not used in its last moments: it has to arrive while it is still good. */
const marginMs = 30_000

/** Opens the service; disposing ends what is being asked. */
export function openOauthTokens(options: OauthTokenOptions): OauthTokens {
  return new OpenTokens(options)
}

class OpenTokens implements OauthTokens {
  readonly #options: OauthTokenOptions
  readonly #known: TokenCache
  readonly #asking = new Map<string, Asking>()

  constructor(options: OauthTokenOptions) {
    this.#options = options
    this.#known = new TokenCache(options.clock)
  }

  async get(request: TokenRequest, signal: AbortSignal): Promise<Token> {
    signal.throwIfAborted()
    const known = this.#known.get(request)
    if (known !== undefined) return this.#handOut(request, { value: known, isNew: false })
    const key = requestKey(request)
    const asking = this.#asking.get(key) ?? this.#ask(key, request)
    asking.waiting++
    try {
      const { value } = await abortable(asking.issued, signal)
      return this.#handOut(request, { value, isNew: true })
    } finally {
      asking.waiting--
      if (asking.waiting === 0) this.#leave(key, asking)
    }
  }

  keep(request: TokenRequest, token: Token): void {
    this.#handOut(request, token)
  }

  drop(request: TokenRequest, { value }: Token): void {
    this.#known.drop(request, value)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const asking = [...this.#asking.values()]
    for (const { controller } of asking) controller.abort(closed())
    await Promise.allSettled(asking.map(({ issued }) => issued))
  }

  /** Whoever gets a token has it masked from then on. */
  #handOut({ tenantId, isConfidential }: TokenRequest, token: Token): Token {
    // Literal credentials came with the job, and so has its tenant what they are worth: nothing to keep from it.
    if (isConfidential) this.#options.secrets.learn(tenantId, token.value)
    return token
  }

  #ask(key: string, request: TokenRequest): Asking {
    const controller = new AbortController()
    const issued = this.#issue(request, controller.signal).then((token) => {
      this.#known.set(request, token.value, token.lifeMs)
      return token
    })
    const asking: Asking = { issued, controller, waiting: 0 }
    this.#asking.set(key, asking)
    // Whoever waits hears of it; by the time it fails, nobody may be left.
    issued.catch(() => undefined).finally(() => this.#leave(key, asking))
    return asking
  }

  /** Ends a request that nobody waits for, so that the next to come asks anew. Harmless when it has ended. */
  #leave(key: string, asking: Asking): void {
    if (this.#asking.get(key) === asking) this.#asking.delete(key)
    asking.controller.abort(closed())
  }

  async #issue(request: TokenRequest, signal: AbortSignal): Promise<Issued> {
    const { fetch, clock } = this.#options
    const basic = Buffer.from(`${formText(request.clientId)}:${formText(request.clientSecret)}`).toString('base64')
    const answer = await fetch.request(outgoing(request, basic), signal).catch((thrown: unknown) => {
      throw restated(JobError.from(thrown), { details: { step: 'token' }, unsent: true })
    })
    const issued = answer.status === 200 ? readToken(answer) : undefined
    if (issued === undefined) throw refused(answer, clock)
    if (request.isConfidential) checkMaskable(issued.value)
    return issued
  }
}

function outgoing({ url, scope, tenantId }: TokenRequest, basic: string): OutgoingRequest {
  const form = new URLSearchParams([['grant_type', 'client_credentials']])
  if (scope !== undefined && scope !== '') form.set('scope', scope)
  return {
    method: 'POST',
    url,
    headers: new Headers({
      authorization: `Basic ${basic}`,
      accept: 'application/json',
      'content-type': 'application/x-www-form-urlencoded',
      'user-agent': `beamline/${buildInfo.version}`,
    }),
    body: new TextEncoder().encode(form.toString()),
    credentials: new Set(),
    repeatable: true,
    tenantId,
    maxRedirects: 0,
    isFailure: (status) => status >= 500,
  }
}

/** As section 2.3.1 asks for, so that an id may hold a colon. */
function formText(text: string): string {
  return new URLSearchParams([['', text]]).toString().slice(1)
}

/** Undefined when there is no bearer token in the answer that a header could carry. */
function readToken(answer: Answer): Issued | undefined {
  const fields = jsonOf(answer)
  const [value, type, expiresIn] = [fields['access_token'], fields['token_type'] ?? 'Bearer', fields['expires_in']]
  if (typeof value !== 'string' || !/^[\x21-\x7e]+$/.test(value)) return undefined
  if (typeof type !== 'string' || type.toLowerCase() !== 'bearer') return undefined
  const seconds = Number(expiresIn ?? Number.NaN)
  const lifeMs = Number.isFinite(seconds) ? Math.min(seconds * 1000, longestLifeMs) : usualLifeMs
  return { value, lifeMs: lifeMs - Math.min(marginMs, lifeMs / 10) }
}

/** The characters of RFC 6750, section 2.1: others can be written in so many ways that nobody could look for all. */
const usualToken = /^[\w.~+/-]+=*$/

function checkMaskable(token: string): void {
  const { least, most } = learnedLength
  const isUsual = usualToken.test(token)
  if (isUsual && token.length >= least && token.length <= most) return
  const length = token.length < least ? 'token_too_short' : 'token_too_long'
  const details = { step: 'token', reason: isUsual ? length : 'token_characters', least, most }
  const message = 'The token is one that could not be kept out of results'
  throw new JobError('HTTP_REQUEST_FAILED', message, { details, retry: 'never', unsent: true })
}

function jsonOf({ body }: Answer): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(body))
    // Of what is no object, no field is there.
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {}
  } catch {
    return {}
  }
}

function refused(answer: Answer, clock: Clock): JobError {
  const { status, headers } = answer
  const { error } = jsonOf(answer)
  const details = {
    step: 'token',
    status,
    // One of the specification's words, never a text of the server's.
    ...(typeof error === 'string' && /^[a-z_]{1,40}$/.test(error) && { reason: error }),
  }
  const retry = retryOf(status, retryAfterMs(headers.get('retry-after'), clock.now()))
  return new JobError('HTTP_ERROR', 'The token endpoint gave no token', { details, retry, unsent: true })
}

function retryOf(status: number, afterMs: number | undefined): Retry {
  if (!isTransient(status)) return 'never'
  return afterMs === undefined ? 'backoff' : { afterMs }
}

function closed(): JobError {
  return new JobError('RESOURCE_UNAVAILABLE', 'The token is no longer waited for', { unsent: true })
}
