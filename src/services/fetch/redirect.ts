/** One request on a way that redirects may make longer. */
export interface Hop {
  readonly method: string
  readonly url: URL
  readonly headers: Headers
  readonly body: Uint8Array | undefined
  readonly repeatable: boolean
}

const redirects: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])

const ofBody = ['content-encoding', 'content-language', 'content-length', 'content-location', 'content-type']

const ofCredentials = ['authorization', 'cookie', 'proxy-authorization']

/**
 * The request that a response asks for, by the fetch standard; undefined when it asks for none that can be read. When
 * it leaves the origin it loses its credentials: the usual headers and those that are named, in lower case.
 */
export function redirected(
  hop: Hop,
  status: number,
  location: string | null,
  credentials: ReadonlySet<string>,
): Hop | undefined {
  if (!redirects.has(status) || location === null) return undefined
  const url = target(location, hop.url)
  if (url === undefined) return undefined
  const headers = new Headers(hop.headers)
  const isAway = url.origin !== hop.url.origin
  if (isAway) for (const name of [...ofCredentials, ...credentials]) headers.delete(name)
  if (!becomesGet(hop.method, status)) return { ...hop, url, headers }
  for (const name of ofBody) headers.delete(name)
  return { method: 'GET', url, headers, body: undefined, repeatable: true }
}

function becomesGet(method: string, status: number): boolean {
  if (status === 303) return method !== 'GET' && method !== 'HEAD'
  return (status === 301 || status === 302) && method === 'POST'
}

function target(location: string, from: URL): URL | undefined {
  // Header values arrive byte by character; what is not ASCII in an address is UTF-8.
  const url = URL.parse(Buffer.from(location, 'latin1').toString(), from.href)
  if (url === null) return undefined
  if (url.hash === '') url.hash = from.hash
  return url
}
