/** Puts a request together, secrets last, and sends it. */
import type { Effect, JobContext } from '../../handler.ts'
import { buildInfo } from '../../lib/build-info.ts'
import { unsentError } from '../../lib/restated-error.ts'
import type { StatusPattern } from '../../lib/status-pattern.ts'
import type { Answer, BodySink, Fetch, OutgoingRequest } from '../../services/fetch/fetch.ts'
import type { OauthTokens } from '../../services/oauth-tokens.ts'
import type { Secrets } from '../../services/secrets/secrets.ts'
import { type Credentials, credentialsFor } from './auth.ts'
import type { Body } from './body.ts'
import { isCredential, valueProblem } from './header-rules.ts'
import { idempotencyHeader, idempotencyKey } from './idempotency-key.ts'
import { invalidInput } from './input-error.ts'
import type { OutgoingLimits, RequestInput } from './request-input.ts'
import { type Reveal, revealer, type SecretReference } from './secret-value.ts'
import { withQuery } from './url.ts'

/** What sending needs. */
export interface SendServices {
  readonly fetch: Fetch
  readonly secrets: Secrets
  readonly oauthTokens: OauthTokens
  readonly outgoing: OutgoingLimits
}

/** A request without its secrets. */
export interface Draft {
  readonly input: RequestInput
  /** In upper case. */
  readonly method: string
  readonly url: URL
  readonly body: Body | undefined
  /** For when the input sets none. */
  readonly accept?: string
  readonly effect: Effect
  readonly isOk: StatusPattern
  /** Takes the body of the response, when it wants it. */
  readonly sink?: BodySink | undefined
}

/** Runs what comes before anything is sent: whatever it rejects with says so. */
export async function beforeSending<T>(work: () => Promise<T> | T): Promise<T> {
  try {
    return await work()
  } catch (thrown) {
    throw unsentError(thrown)
  }
}

/**
 * Resolves with whatever the server answered. A remembered token that it answers with 401 is replaced, and the request
 * sent once more, where its effect allows that. Rejects as Fetch, Secrets and OauthTokens do.
 */
export async function send(draft: Draft, services: SendServices, context: JobContext): Promise<Answer> {
  const { request, issued } = await beforeSending(() => complete(draft, services, context))
  const answer = await services.fetch.request(request, context.signal)
  if (issued !== undefined) services.oauthTokens.keep(issued.request, issued.token)
  if (answer.status !== 401 || issued === undefined) return answer
  services.oauthTokens.drop(issued.request, issued.token)
  if (issued.token.isNew || !request.repeatable) return answer
  const again = await complete(draft, services, context)
  const second = await services.fetch.request(again.request, context.signal)
  if (again.issued !== undefined) services.oauthTokens.keep(again.issued.request, again.issued.token)
  return second
}

interface Complete extends Pick<Credentials, 'issued'> {
  readonly request: OutgoingRequest
}

async function complete(draft: Draft, services: SendServices, context: JobContext): Promise<Complete> {
  const { input, method, url, body, effect, isOk, sink } = draft
  const { secrets, oauthTokens, outgoing } = services
  const { tenantId, signal } = context
  const reveal = revealer(secrets, tenantId, url)
  const names = new Set<string>()
  const headers = new Headers({ 'user-agent': `beamline/${buildInfo.version}` })
  if (body !== undefined) headers.set('content-type', body.contentType)
  if (draft.accept !== undefined) headers.set('accept', draft.accept)
  await setOwn(headers, input, reveal, names)
  if (input.idempotency_key === true) headers.set(idempotencyHeader, idempotencyKey(tenantId, context.assignmentId))
  else if (typeof input.idempotency_key === 'string') headers.set(idempotencyHeader, input.idempotency_key)
  const credentials =
    input.auth === undefined ? {} : await credentialsFor(input.auth, { tenantId, signal, secrets, oauthTokens, reveal })
  const { header, query, issued }: Credentials = credentials
  if (header !== undefined) {
    headers.set(...header)
    names.add(header[0].toLowerCase())
  }
  const request: OutgoingRequest = {
    method,
    url: query === undefined ? url : withQuery(url, [query]),
    headers,
    body: body?.bytes,
    credentials: names,
    repeatable: effect !== 'once',
    tenantId,
    maxRedirects: input.follow_redirects ? (input.max_redirects ?? outgoing.maxRedirects) : 0,
    firstByteTimeoutMs: input.first_byte_timeout_ms,
    isFailure: (status) => status >= 500 && !isOk(status),
    sink,
  }
  return issued === undefined ? { request } : { request, issued }
}

/** Sets the headers that the job names, and notes those that hold secrets or look as if they did. */
async function setOwn(
  headers: Headers,
  { headers: own = {} }: RequestInput,
  reveal: Reveal,
  names: Set<string>,
): Promise<void> {
  for (const [name, value] of Object.entries(own)) {
    // The check of the input let a Host through only where it is the URL's.
    if (value === null || name.toLowerCase() === 'host') continue
    if (typeof value === 'object' || isCredential(name)) names.add(name.toLowerCase())
    headers.set(name, typeof value === 'object' ? await secretText(value, name, reveal) : String(value))
  }
}

async function secretText(value: SecretReference, name: string, reveal: Reveal): Promise<string> {
  const { text } = await reveal(value)
  const problem = valueProblem(text)
  if (problem !== undefined) throw invalidInput(`headers.${name}`, `The secret does not fit: ${problem}`)
  return text
}
