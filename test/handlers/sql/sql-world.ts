/** The handler `sql` on real services and a real server, with an independent client beside it. */
import postgres from 'postgres'
import { loadConfig } from '../../../src/config/load.ts'
import { JobError } from '../../../src/errors.ts'
import type { Handler, JobContext } from '../../../src/handler.ts'
import { sql } from '../../../src/handlers/sql/sql.ts'
import { type Clock, systemClock } from '../../../src/lib/clock.ts'
import { openLogger } from '../../../src/observe/logger.ts'
import { Metrics } from '../../../src/observe/metrics.ts'
import { openSecrets } from '../../../src/services/secrets/secrets.ts'
import { openServices, type Services } from '../../../src/services/services.ts'
import { type Postgres, startPostgres } from '../../support/postgres.ts'

/** What a handler gives, as a test looks at it. */
export type Wire = Readonly<Record<string, unknown>>

const log = openLogger({ level: 'error', format: 'json', workerId: 'w', component: 'test', to: () => undefined })

interface Options {
  readonly env?: Readonly<Record<string, string>>
  readonly clock?: Clock
  /** A server that is there already; without one the world has its own. */
  readonly server?: Postgres
}

/** Everything that is needed to run jobs. */
export interface SqlWorld extends AsyncDisposable {
  readonly server: Postgres
  readonly services: Services
  readonly handler: Handler
  /** Somebody else on the same server. */
  readonly other: postgres.Sql
  /** One try of a job of its own. Rejects with what it fails with. */
  run(payload: unknown, context?: Partial<JobContext>): Promise<Wire>
  /** One try that must fail. */
  failure(payload: unknown, context?: Partial<JobContext>): Promise<JobError>
}

/** Opens services whose `DATABASE_URL` is the server, with these settings beside. */
export async function openSqlWorld({ env = {}, clock = systemClock, ...given }: Options = {}): Promise<SqlWorld> {
  await using opened = new AsyncDisposableStack()
  const server = given.server ?? opened.use(await startPostgres())
  const config = loadConfig({ DATABASE_URL: server.url, EGRESS_ALLOW_CIDRS: '127.0.0.0/8', ...env })
  const metrics = opened.use(new Metrics({ version: '0', bun: '0', commit: '0' }, clock))
  const secrets = opened.use(await openSecrets(config.secrets, clock))
  const services = opened.use(openServices({ config, secrets, clock, log, metrics }))
  const other = postgres(server.url, { max: 2, onnotice: () => undefined })
  opened.defer(() => other.end({ timeout: 1 }))
  const handler = sql(services)
  const owned = opened.move()
  const world: SqlWorld = {
    server,
    services,
    handler,
    other,
    async run(payload, context = {}) {
      const usual: JobContext = {
        signal: new AbortController().signal,
        clock,
        log,
        assignmentId: crypto.randomUUID(),
        tenantId: 'acme',
        userId: undefined,
        attempt: 1,
        pauseTime: () => undefined,
        resumeTime: () => 60_000,
        maxOutputBytes: 1024 * 1024,
        timeLeftMs: () => 60_000,
      }
      const output = await handler.run(handler.input.parse(payload), { ...usual, ...context })
      if (handler.output.safeParse(output).error !== undefined) throw new Error('the output does not fit its schema')
      // As the schema says.
      return output as Wire
    },
    async failure(payload, context) {
      const thrown = await world.run(payload, context).then(
        (output) => new Error(`It succeeded: ${JSON.stringify(output)}`),
        (error: unknown) => error,
      )
      if (thrown instanceof JobError) return thrown
      throw thrown
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
  return world
}
