import postgres, { type Sql as Client } from 'postgres'
import { type Environment, loadConfig } from '../../../src/config/load.ts'
import { JobError } from '../../../src/errors.ts'
import { type Clock, systemClock } from '../../../src/lib/clock.ts'
import { Egress, type Resolve } from '../../../src/lib/egress.ts'
import { openLogger } from '../../../src/observe/logger.ts'
import type { Gauges } from '../../../src/observe/metrics.ts'
import { openSecrets, type Secrets } from '../../../src/services/secrets/secrets.ts'
import { type Databases, type Lease, openDatabases } from '../../../src/services/sql/databases.ts'
import type { Postgres } from '../../support/postgres.ts'

export const never = new AbortController().signal

interface WorldOptions {
  readonly env?: Environment
  readonly clock?: Clock
  readonly resolve?: Resolve
}

/** Databases by these settings; 127.0.0.1 may be reached by connection strings of jobs, too. */
export interface DatabasesWorld extends AsyncDisposable {
  readonly databases: Databases
  readonly secrets: Secrets
  readonly counts: () => ReturnType<Gauges['databases']>
}

export async function openWorld(options: WorldOptions = {}): Promise<DatabasesWorld> {
  const { env = {}, clock = systemClock, resolve = noNames } = options
  const config = loadConfig({ EGRESS_ALLOW_CIDRS: '127.0.0.1', ...env })
  const secrets = await openSecrets(config.secrets, clock)
  let gauges: Partial<Gauges> = {}
  const databases = openDatabases({
    config: config.sql,
    egress: new Egress(config.egress),
    ...{ resolve, secrets, clock },
    log: openLogger({ level: 'error', format: 'json', workerId: 'w', component: 'test', to: () => undefined }),
    metrics: {
      observe(more) {
        gauges = { ...gauges, ...more }
      },
    },
  })
  return {
    databases,
    secrets,
    counts: () => gauges.databases?.() ?? { busy: -1, idle: -1, waiting: -1 },
    async [Symbol.asyncDispose]() {
      await databases[Symbol.asyncDispose]()
      await secrets[Symbol.asyncDispose]()
    },
  }
}

async function noNames(): Promise<readonly string[]> {
  throw new Error('no name is asked for here')
}

/** The first value of the first row. */
export async function ask(
  { connection }: Pick<Lease, 'connection'>,
  text: string,
  signal = never,
): Promise<string | null> {
  const { rows } = await connection.statement(text, [], signal)
  return rows[0]?.[0] ?? null
}

/** What it throws or rejects with, which must be a JobError. */
export async function failureOf(run: () => unknown): Promise<JobError> {
  try {
    await run()
  } catch (error) {
    if (error instanceof JobError) return error
    throw error
  }
  throw new Error('it did not fail')
}

/** Another client of the same server, to be ended; it is not among what `sessions` counts. */
export function observer({ url }: Postgres): Client {
  return postgres(url, { max: 1, onnotice: () => undefined, connection: { application_name: 'observer' } })
}

/** How many sessions of clients the server has, but for observers. */
export async function sessions(client: Client): Promise<number> {
  const found = await client`select count(*)::int as n from pg_stat_activity
    where backend_type = 'client backend' and application_name <> 'observer'`
  return Number(found[0]?.['n'])
}
