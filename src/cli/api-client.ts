/** Asks the HTTP API of a worker. */
import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import type { Environment } from '../config/load.ts'
import { loadConfig } from '../config/load.ts'
import type { Clock } from '../lib/clock.ts'
import { isJsonObject, type JsonObject } from '../protocol/json.ts'
import { UsageError } from './command.ts'

/** Where the API is, and what lets in. */
export interface ApiPlace {
  readonly url: URL
  readonly token: string | undefined
}

/** What the API answered; `body` is empty when that was no JSON object. */
export interface ApiAnswer {
  readonly status: number
  readonly body: JsonObject
}

/** How long the worker may take to answer, in milliseconds. */
const answerLimitMs = 10_000

/** The API at `--url` with `--token`, or that of the worker on this machine. */
export function apiPlace(
  written: { readonly url?: string | undefined; readonly token?: string | undefined },
  env: Environment,
): ApiPlace {
  const { host, port, apiToken } = loadConfig(env).http
  const token = written.token ?? apiToken
  if (written.url !== undefined) {
    const url = URL.parse(written.url)
    if (url === null || !['http:', 'https:'].includes(url.protocol))
      throw new UsageError('--url must be a URL of the web')
    return { url, token }
  }
  if (port === 0) throw new UsageError('HEALTH_BIND has port 0, which does not say where to ask; use --url')
  const name = { '0.0.0.0': '127.0.0.1', '::': '[::1]' }[host] ?? (host.includes(':') ? `[${host}]` : host)
  return { url: new URL(`http://${name}:${port}`), token }
}

/** Rejects when there is no answer. Not `fetch`, which would go through a proxy that the environment names. */
export function askApi(place: ApiPlace, path: string, clock: Clock, body?: JsonObject): Promise<ApiAnswer> {
  const limit = new AbortController()
  const late = clock.after(answerLimitMs, () => limit.abort(new Error(`none within ${answerLimitMs} ms`)))
  const url = new URL(`${place.url.pathname.replace(/\/+$/, '')}${path}`, place.url)
  const headers = {
    ...(place.token !== undefined && { authorization: `Bearer ${place.token}` }),
    ...(body !== undefined && { 'content-type': 'application/json' }),
  }
  const send = url.protocol === 'https:' ? requestHttps : requestHttp
  return new Promise<ApiAnswer>((resolve, reject) => {
    limit.signal.addEventListener('abort', () => reject(limit.signal.reason), { once: true })
    const asked = send(
      url,
      { method: body === undefined ? 'GET' : 'POST', headers, signal: limit.signal },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: parsed(Buffer.concat(chunks)) }))
      },
    )
    asked.on('error', reject)
    asked.end(body === undefined ? undefined : JSON.stringify(body))
  }).finally(() => late.cancel())
}

function parsed(bytes: Buffer): JsonObject {
  try {
    const value: unknown = JSON.parse(bytes.toString())
    return isJsonObject(value) ? value : {}
  } catch {
    return {}
  }
}
