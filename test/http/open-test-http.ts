/** A server on a free port of this machine, with routes enough to show its manners. */
import { Elysia } from 'elysia'
import { z } from 'zod'
import type { Access } from '../../src/http/access.ts'
import type { HealthState } from '../../src/http/health-routes.ts'
import { answer, jsonBody } from '../../src/http/openapi.ts'
import { HttpProblem } from '../../src/http/problem.ts'
import { type HttpServer, openHttp } from '../../src/http/server.ts'
import { openLogger } from '../../src/observe/logger.ts'
import { Metrics } from '../../src/observe/metrics.ts'
import { FakeClock } from '../support/fake-clock.ts'

const token = 'a-token'
export const maxBodyBytes = 1000

/** Headers of somebody who may. */
export const allowed = { authorization: `Bearer ${token}` }

interface TestHttp extends HttpServer {
  /** What was logged. */
  readonly lines: readonly string[]
  /** Asks for a path, with the token unless headers say otherwise. */
  ask(path: string, init?: RequestInit): Promise<Response>
}

const ready: HealthState = { ready: true, draining: false, load: 0.25, checks: { nats: 'ok' }, sandbox: false }

const thing = z.object({ count: z.int(), label: z.string().optional() })

function routes() {
  return new Elysia({ name: 'things' })
    .post('/v1/things/:id', ({ body, params, query }) => ({ body, params, query }), {
      body: thing,
      query: z.object({ wait: z.coerce.number().optional() }),
      detail: {
        summary: 'Makes a thing.',
        tags: ['Things'],
        responses: { 200: answer('The thing.', thing), 202: answer('Later.') },
      },
    })
    .get('/v1/things/:id', ({ params }) => ({ id: params.id }), {
      detail: { summary: 'Shows <a> thing.', tags: ['Things'] },
    })
    .post('/v1/anything', ({ body }) => ({ got: body }), { detail: { requestBody: jsonBody(thing) } })
    .get('/v1/full', () => {
      throw new HttpProblem(429, 'Too Many Requests', 'There is no room.', { queue: 7 }, { 'retry-after': '1' })
    })
    .get('/v1/broken', () => {
      throw new Error('the secret is hunter2')
    })
    .get('/open/:name', ({ params }) => ({ hello: params.name }), { detail: { security: [] } })
}

/** Starts it; `state` may be changed by what it returns. */
export async function openTestHttp(
  access: Access = { kind: 'token', token },
  state: () => HealthState = () => ready,
  address: { readonly host: string; readonly port: number } = { host: '127.0.0.1', port: 0 },
  largestBody: number = maxBodyBytes,
): Promise<TestHttp> {
  const lines: string[] = []
  const clock = new FakeClock()
  const metrics = new Metrics({ version: '1.2.3', bun: '1', commit: 'abc' }, clock)
  const http = await openHttp({
    ...address,
    maxBodyBytes: largestBody,
    access,
    metrics,
    log: openLogger({
      level: 'debug',
      format: 'json',
      workerId: 'worker-1',
      component: 'http',
      to: (line) => lines.push(line),
    }),
    routes: [routes()],
    health: {
      version: '1.2.3',
      commit: 'abc',
      workerId: () => 'worker-1',
      activeJobs: () => 2,
      uptimeSeconds: () => 12.5,
      state,
    },
  })
  return {
    ...http,
    lines,
    ask: (path, init = {}) => fetch(http.url + path, { headers: allowed, ...init }),
  }
}
