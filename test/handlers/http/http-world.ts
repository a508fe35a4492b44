/** Handlers on real services, and sites on loopback for them to talk to. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadConfig } from '../../../src/config/load.ts'
import { JobError } from '../../../src/errors.ts'
import type { Handler, JobContext } from '../../../src/handler.ts'
import { graphql } from '../../../src/handlers/graphql/graphql.ts'
import { http } from '../../../src/handlers/http/http.ts'
import { type Clock, systemClock } from '../../../src/lib/clock.ts'
import { openLogger } from '../../../src/observe/logger.ts'
import { Metrics } from '../../../src/observe/metrics.ts'
import { decodeAssignment } from '../../../src/protocol/codec.ts'
import { openSecrets } from '../../../src/services/secrets/secrets.ts'
import { openServices, type Services } from '../../../src/services/services.ts'
import type { Prepared } from '../../../src/worker/job.ts'
import { prepare } from '../../../src/worker/prepare.ts'

type Wire = Readonly<Record<string, unknown>>

const log = openLogger({ level: 'error', format: 'json', workerId: 'w', component: 'test', to: () => undefined })

interface Options {
  readonly env?: Readonly<Record<string, string>>
  readonly clock?: Clock
}

/** Both handlers, and what runs them. */
export interface HttpWorld extends AsyncDisposable {
  readonly services: Services
  /** Its own; the blobs are in `blobs` in it. */
  readonly folder: string
  readonly handlers: readonly Handler[]
  /** Checks a payload as the worker does. */
  prepare(type: 'http' | 'graphql', payload: Wire, more?: Wire): Prepared
  /** One try. Rejects with what it fails with. */
  run(type: 'http' | 'graphql', payload: Wire, context?: Partial<JobContext>): Promise<Wire>
  /** One try that must fail. */
  failure(type: 'http' | 'graphql', payload: Wire, context?: Partial<JobContext>): Promise<JobError>
}

/** Opens services that may reach loopback addresses, with these settings beside. */
export async function openHttpWorld({ env = {}, clock = systemClock }: Options = {}): Promise<HttpWorld> {
  const folder = await mkdtemp(join(tmpdir(), 'beamline-world-'))
  const config = loadConfig({ EGRESS_ALLOW_CIDRS: '127.0.0.0/8', FS_BASE_DIR: join(folder, 'blobs'), ...env })
  const metrics = new Metrics({ version: '0', bun: '0', commit: '0' }, clock)
  const secrets = await openSecrets(config.secrets, clock)
  const services = openServices({ config, secrets, clock, log, metrics })
  const byType = { http: http(services), graphql: graphql(services) }
  const world: HttpWorld = {
    services,
    folder,
    handlers: Object.values(byType),
    prepare(type, payload, more = {}) {
      const message = { version: '1', assignment_id: 'a-1', tenant_id: 'acme', job: { type, payload }, ...more }
      const decoded = decodeAssignment(new TextEncoder().encode(JSON.stringify(message)), {})
      if (decoded.kind !== 'assignment') throw new Error('not an assignment')
      const { assignment } = decoded
      if (assignment.input.kind === 'ref') throw new Error('the payload is somewhere else')
      return prepare({ handler: byType[type], assignment }, assignment.input.value)
    },
    async run(type, payload, context = {}) {
      const { input } = world.prepare(type, payload)
      const signal = new AbortController().signal
      const ids = {
        assignmentId: 'a-1',
        tenantId: 'acme',
        userId: undefined,
        pauseTime: () => undefined,
        resumeTime: () => 60_000,
        maxOutputBytes: 1024 * 1024,
        timeLeftMs: () => 60_000,
      }
      // Both handlers give objects.
      return (await byType[type].run(input, { signal, clock, log, attempt: 1, ...ids, ...context })) as Wire
    },
    async failure(type, payload, context) {
      const thrown = await world.run(type, payload, context).then(
        (output) => new Error(`It succeeded: ${JSON.stringify(output)}`),
        (error: unknown) => error,
      )
      if (thrown instanceof JobError) return thrown
      throw thrown
    },
    async [Symbol.asyncDispose]() {
      await services[Symbol.asyncDispose]()
      await secrets[Symbol.asyncDispose]()
      metrics[Symbol.dispose]()
      await rm(folder, { recursive: true, force: true })
    },
  }
  return world
}

/** A request as it arrived. */
export interface Arrived {
  readonly method: string
  readonly path: string
  readonly search: string
  readonly headers: Headers
  readonly body: string
}

/** A site on 127.0.0.1. */
export interface Site extends AsyncDisposable {
  readonly url: string
  /** With its port. */
  readonly host: string
  readonly seen: readonly Arrived[]
}

/** Opens a site; without `answer` it sends back what it was sent. */
export function openSite(
  answer: (request: Arrived) => Response | Promise<Response> = ({ body, headers }) =>
    new Response(body, { headers: { 'content-type': headers.get('content-type') ?? 'text/plain' } }),
): Site {
  const seen: Arrived[] = []
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    idleTimeout: 0,
    async fetch(request) {
      const { pathname, search } = new URL(request.url)
      const { method, headers } = request
      const arrived = { method, path: pathname, search, headers, body: await request.text() }
      seen.push(arrived)
      return answer(arrived)
    },
  })
  return {
    url: `http://127.0.0.1:${server.port}`,
    host: `127.0.0.1:${server.port}`,
    seen,
    [Symbol.asyncDispose]: () => server.stop(true),
  }
}

/** Opens a site that answers every request with these bytes, and closes the connection. */
export function openRawSite(answer: string): Site {
  const server = Bun.listen({
    hostname: '127.0.0.1',
    port: 0,
    socket: {
      data(socket) {
        socket.end(answer)
      },
    },
  })
  const host = `127.0.0.1:${server.port}`
  return {
    url: `http://${host}`,
    host,
    seen: [],
    [Symbol.asyncDispose]() {
      server.stop(true)
      return Promise.resolve()
    },
  }
}
