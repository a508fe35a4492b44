/** What `check` says of the databases that jobs may use. */
import type { Config } from '../config/schema.ts'
import type { Clock } from '../lib/clock.ts'
import type { Dsn } from '../lib/postgres-dsn.ts'
import { rememberingResolve } from '../services/fetch/resolver.ts'
import { openConnection } from '../services/sql/dial.ts'
import { namedTarget } from '../services/sql/named-target.ts'
import { ConnectionLost } from '../services/sql/server-error.ts'
import { type Finding, fail, ok, warn } from './finding.ts'

/** A line for each database that the settings name, after trying to sign in; shows nothing of how. */
export async function sqlFindings(config: Config['sql'], clock: Clock): Promise<readonly Finding[]> {
  const { defaultDsn, named } = config
  const variables = [...named].map(([name, { dsn }]) => [`SQL_CONNECTION_${name}`, dsn] as const)
  const given: readonly (readonly [string, Dsn | undefined])[] = [...variables, ['DATABASE_URL', defaultDsn]]
  const tried = given.flatMap(([variable, dsn]) =>
    dsn === undefined ? [] : [tryToConnect(variable, dsn, config, clock)],
  )
  const lacking = variables.filter(([, dsn]) => dsn === undefined)
  return [
    ...(await Promise.all(tried)),
    ...lacking.map(([variable]) => warn('sql', `${variable} is not set, but its tenants are; jobs that name it fail`)),
  ]
}

async function tryToConnect(variable: string, dsn: Dsn, config: Config['sql'], clock: Clock): Promise<Finding> {
  const target = namedTarget(dsn, config.connectTimeoutMs, rememberingResolve(clock))
  const { signal } = new AbortController()
  try {
    await using connection = await openConnection(target, clock, signal)
    const [version] = await connection.control('SHOW server_version')
    return ok('sql', `${variable}: connected to PostgreSQL ${version?.rows[0]?.[0] ?? 'of unknown version'}`)
  } catch (thrown) {
    if (!(thrown instanceof ConnectionLost)) throw thrown
    const { message, sqlState } = thrown
    return fail('sql', `${variable}: ${message}${sqlState === undefined ? '' : ` (SQLSTATE ${sqlState})`}`)
  }
}
