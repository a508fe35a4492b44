/** Who may use the API: whoever shows the token, or in `dev` whoever is on this machine and no web page. */
import { isSameText } from '../lib/same-text.ts'
import { HttpProblem } from './problem.ts'

/** How the API is guarded. Without a token nobody gets in. */
export type Access = { readonly kind: 'token'; readonly token: string | undefined } | { readonly kind: 'loopback-dev' }

/** Throws an HttpProblem (401, 403 or 415, with the reason) unless the request may use the API. `peer` is the other side's address. */
export function authorize(request: Request, access: Access, peer: string | undefined): void {
  if (access.kind === 'token') requireToken(request, access.token)
  else requireLoopback(request, peer)
}

function requireToken(request: Request, token: string | undefined): void {
  if (token === undefined) throw forbidden('The API is closed: API_TOKEN is not set.')
  const shown = /^bearer +(\S+) *$/i.exec(request.headers.get('authorization') ?? '')?.[1]
  if (shown !== undefined && isSameText(shown, token)) return
  const detail = shown === undefined ? 'A bearer token is needed.' : 'The bearer token is wrong.'
  throw new HttpProblem(401, 'Unauthorized', detail, {}, { 'www-authenticate': 'Bearer' })
}

/**
 * A page in a browser can send requests to this machine, also under a name of its own that resolves to it; it cannot
 * lie in `Host` and `Origin`, and it cannot send JSON to another origin without asking first.
 */
function requireLoopback(request: Request, peer: string | undefined): void {
  if (peer === undefined || !isLoopbackAddress(peer)) throw forbidden('Only this machine may use the API in dev mode.')
  const host = request.headers.get('host') ?? ''
  if (!isLoopbackHost(host)) throw forbidden('The Host header must name this machine in dev mode.')
  const origin = request.headers.get('origin')
  const foreign =
    (origin !== null && origin !== `http://${host}`) || request.headers.get('sec-fetch-site') === 'cross-site'
  if (foreign) throw forbidden('Requests of other web pages are refused.')
  if (['POST', 'PUT', 'PATCH'].includes(request.method) && !isJson(request.headers.get('content-type'))) {
    throw new HttpProblem(415, 'Unsupported Media Type', 'The content type must be application/json.')
  }
}

/** Whether a `Content-Type` header means JSON. */
export function isJson(contentType: string | null): boolean {
  return /^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(contentType ?? '')
}

function isLoopbackAddress(address: string): boolean {
  return address === '::1' || /^(?:::ffff:)?127(?:\.\d{1,3}){3}$/i.test(address)
}

function isLoopbackHost(host: string): boolean {
  const name = host.replace(/:\d+$/, '').toLowerCase()
  return name === 'localhost' || (name.startsWith('[') ? isLoopbackAddress(name.slice(1, -1)) : isLoopbackAddress(name))
}

function forbidden(detail: string): HttpProblem {
  return new HttpProblem(403, 'Forbidden', detail)
}
