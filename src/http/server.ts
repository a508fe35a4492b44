/** The one HTTP server: roles add routes to it, it adds the guard, the limits and the manners. */
import { type AnyElysia, Elysia } from 'elysia'
import { type Clock, systemClock } from '../lib/clock.ts'
import type { Logger } from '../observe/logger.ts'
import type { Metrics } from '../observe/metrics.ts'
import { type Access, authorize } from './access.ts'
import { readBody, refuseForm, refuseLargeBody } from './body.ts'
import { type Health, healthRoutes } from './health-routes.ts'
import { listen } from './listen.ts'
import { metricsRoutes } from './metrics-routes.ts'
import { openapiRoutes } from './openapi-routes.ts'
import { problem } from './problem.ts'
import { notFound, problemFor } from './problem-for.ts'
import { type RouteTable, routeTable } from './route-table.ts'

/** What a role adds: an Elysia plugin whose routes are guarded, but for those whose `detail` says `security: []`. */
export type RoutePlugin = AnyElysia

interface HttpOptions {
  readonly host: string
  /** 0 takes any port that is free. */
  readonly port: number
  readonly maxBodyBytes: number
  readonly access: Access
  readonly health: Health
  readonly metrics: Metrics
  readonly log: Logger
  /** The plugins of the roles. Guarded, but for routes whose `detail` says `security: []`. */
  readonly routes: readonly RoutePlugin[]
  readonly clock?: Clock
}

/** A server that listens. Disposing it lets requests in flight end, for a second at most. */
export interface HttpServer extends AsyncDisposable {
  /** `http://host:port` as bound. */
  readonly url: string
}

/** How long a connection may be silent before anyone is known on it, in seconds. */
const idleSeconds = 30
const stopWithinMs = 1000

/** Starts listening. Rejects with a ConfigError that names HEALTH_BIND when the address cannot be had. */
export async function openHttp(options: HttpOptions): Promise<HttpServer> {
  const { host, port, clock = systemClock } = options
  const app = buildApp(options, clock)
  const handle = requestHandler(app, routeTable(app.routes), options)
  const server = await listen(
    { host, port },
    {
      // We refuse large bodies ourselves, with a problem document; what nobody reads is never held in memory.
      maxRequestBodySize: Number.MAX_SAFE_INTEGER,
      idleTimeout: idleSeconds,
      fetch: handle,
    },
  )
  app.server = server
  const shown = host.includes(':') ? `[${host}]` : host
  return {
    url: `http://${shown}:${server.port}`,
    async [Symbol.asyncDispose]() {
      const limit = new AbortController()
      await Promise.race([server.stop(), clock.sleep(stopWithinMs, limit.signal)]).finally(() => limit.abort())
      await server.stop(true)
    },
  }
}

function buildApp({ maxBodyBytes, health, metrics, log, routes }: HttpOptions, clock: Clock): AnyElysia {
  const info = { title: 'Beamline', version: health.version, description: 'The HTTP interface of a worker.' }
  const app: AnyElysia = new Elysia({ normalize: false })
    .onError(({ error }) => problemFor(error, log))
    .onParse(({ request }) => readBody(request, maxBodyBytes))
    .use(healthRoutes(health, clock))
    .use(metricsRoutes(metrics))
  for (const plugin of routes) app.use(plugin)
  return app.use(openapiRoutes(info, () => app.routes))
}

function requestHandler(app: AnyElysia, table: RouteTable, { maxBodyBytes, access, log }: HttpOptions) {
  const answer = async (request: Request, server: Bun.Server<undefined>): Promise<Response> => {
    const { request: seen, path } = located(request)
    const found = table.find(request.method, path)
    if (found.kind === 'none') return notFound()
    if (found.kind === 'wrong-method') {
      return problem(405, 'Method Not Allowed', 'The method does not fit this path.', {}, { allow: found.allow })
    }
    if (!found.open) {
      authorize(request, access, server.requestIP(request)?.address)
      // Who is let in may wait for a job as long as it takes.
      server.timeout(request, 0)
      refuseForm(request)
    }
    refuseLargeBody(request, maxBodyBytes)
    return app.fetch(seen)
  }
  return async (request: Request, server: Bun.Server<undefined>): Promise<Response> => {
    const response = await answer(request, server).catch((error: unknown) => problemFor(error, log))
    response.headers.set('x-content-type-options', 'nosniff')
    response.headers.set('cache-control', 'no-store')
    return response
  }
}

/** The router looks for the path from here on, so no origin may be shorter (`http://` and four characters). */
const routerSkips = 11

/**
 * The request as guard and router must both see it. The `Host` header is the caller's and a part of Bun's URL: where it
 * is missing, short or nonsense, a router that counts characters finds another path in it than the guard does. Then the
 * URL is one of our own; whoever cares for the host looks at the header, as it came.
 */
function located(request: Request): { readonly request: Request; readonly path: string } {
  const asked = URL.parse(request.url)
  if (asked !== null && asked.origin.length >= routerSkips && request.url.startsWith(`${asked.origin}/`)) {
    return { request, path: asked.pathname }
  }
  const target = asked === null ? request.url.replace(/^[a-z]+:\/\/[^/]*/i, '') : asked.pathname + asked.search
  const url = new URL(`http://localhost${target.startsWith('/') ? '' : '/'}${target}`)
  // A copy would have a body of its own, and what is left unread of the first would hold up the connection.
  const seen = new Proxy(request, {
    get(of, key) {
      const value: unknown = key === 'url' ? url.href : Reflect.get(of, key)
      const bound: unknown = typeof value === 'function' ? value.bind(of) : value
      return bound
    },
  })
  return { request: seen, path: url.pathname }
}
