/** The databases that jobs send statements to: those that the operator names, and those that jobs bring themselves. */
import type { Config } from '../../config/schema.ts'
import { JobError } from '../../errors.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Egress, Resolve } from '../../lib/egress.ts'
import { type Dsn, DsnError, type DsnRule, parseDsn } from '../../lib/postgres-dsn.ts'
import type { Logger } from '../../observe/logger.ts'
import type { Metrics } from '../../observe/metrics.ts'
import { learnedLength } from '../secrets/known-secrets.ts'
import { isSecretName, variableName } from '../secrets/secret-name.ts'
import type { Secrets } from '../secrets/secrets.ts'
import { Backends } from './backends.ts'
import { connectionFailure, type Whereabouts } from './connection-failure.ts'
import type { Target } from './dial.ts'
import type { Lease, Open } from './lease.ts'
import { connectLimit, namedTarget } from './named-target.ts'
import { type Counts, Pools } from './pools.ts'
import { ConnectionLost } from './server-error.ts'

export type { Lease } from './lease.ts'

/** A place that jobs may send statements to. */
export interface Database {
  /**
   * Resolves with a connection when there is one. Rejects with RESOURCE_UNAVAILABLE after too long a wait, with
   * DB_CONNECTION_ERROR when none can be opened, with PERMISSION_DENIED when the addresses of the host are refused, all
   * unsent, and with the signal's reason when it aborts. It is one for quick exchanges only where `quickly`, a query, is
   * all that is to be run.
   */
  lease(tenantId: string, signal: AbortSignal, quickly?: string): Promise<Lease>
}

/** Which database a job asks for. */
interface Wanted {
  readonly connection?: string | undefined
  readonly connectionString?: string | undefined
}

/** What the settings allow a job. */
export interface SqlLimits {
  readonly maxRows: number
  readonly maxOutputBytes: number
  readonly readOnly: boolean
}

/** The databases that jobs may use. */
export interface Databases extends AsyncDisposable {
  readonly limits: SqlLimits
  /**
   * Which database a job of this tenant means; opens nothing. Throws, all unsent, MISSING_REQUIRED_FIELD, INVALID_INPUT
   * and PERMISSION_DENIED, which for a name says the same whether it is not there or not for this tenant.
   */
  resolve(wanted: Wanted, tenantId: string): Database
}

/** What the service depends on. */
export interface DatabasesOptions {
  readonly config: Config['sql']
  readonly egress: Egress
  readonly resolve: Resolve
  readonly secrets: Pick<Secrets, 'learn' | 'guard'>
  readonly clock: Clock
  readonly metrics: Pick<Metrics, 'observe'>
  readonly log: Pick<Logger, 'warn'>
}

/** Opens the service, which connects to nothing before it is asked to; disposing ends all connections. */
export function openDatabases(options: DatabasesOptions): Databases {
  return new PooledDatabases(options)
}

class PooledDatabases implements Databases {
  readonly limits: SqlLimits
  readonly #options: DatabasesOptions
  /** Of the operator's own there are as many as are configured: what jobs bring does not take their room. */
  readonly #configuredPools: Pools
  readonly #inlinePools: Pools
  /** Of the operator's own, which stay the same. */
  readonly #known = new WeakMap<Dsn, Database>()

  constructor(options: DatabasesOptions) {
    const { config, secrets, clock, metrics } = options
    const { maxRows, maxOutputBytes, readOnly, maxPools, poolSize, queueTimeoutMs, connectTimeoutMs, prepare } = config
    this.limits = { maxRows, maxOutputBytes, readOnly }
    this.#options = options
    const usual = { clock, size: poolSize, queueMs: queueTimeoutMs, cleaningMs: connectTimeoutMs, mayPrepare: prepare }
    this.#configuredPools = new Pools({ ...usual, maxPools: Number.POSITIVE_INFINITY })
    this.#inlinePools = new Pools({ ...usual, maxPools })
    metrics.observe({ databases: () => added(this.#configuredPools.counts(), this.#inlinePools.counts()) })
    for (const { dsn, tenants } of [...config.named.values(), { dsn: config.defaultDsn, tenants: undefined }]) {
      if (dsn !== undefined) secrets.guard(dsn.password, tenants ?? 'all')
    }
  }

  resolve({ connection, connectionString }: Wanted, tenantId: string): Database {
    if (connection !== undefined && connectionString !== undefined) {
      throw invalid('connection_string', 'Not together with connection')
    }
    if (connectionString !== undefined) return this.#inline(connectionString, tenantId)
    if (connection !== undefined) return this.#configured(connection, tenantId)
    const { defaultDsn } = this.#options.config
    if (defaultDsn === undefined) throw noneAsked()
    return this.#named(defaultDsn, { setting: 'DATABASE_URL' })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#configuredPools[Symbol.asyncDispose](), this.#inlinePools[Symbol.asyncDispose]()])
  }

  /** Whoever may not use one must not learn that it is there. */
  #configured(connection: string, tenantId: string): Database {
    const found = this.#options.config.named.get(variableName(connection))
    const isFor = found?.tenants?.includes(tenantId) ?? true
    if (!isSecretName(connection) || found?.dsn === undefined || !isFor) throw missing(connection)
    return this.#named(found.dsn, { connection })
  }

  #named(dsn: Dsn, where: Whereabouts): Database {
    const { config, resolve } = this.#options
    const database = this.#known.get(dsn) ?? this.#database(namedTarget(dsn, config.connectTimeoutMs, resolve), where)
    this.#known.set(dsn, database)
    return database
  }

  #inline(text: string, tenantId: string): Database {
    const { config, egress, resolve, secrets } = this.#options
    if (!config.allowInline) throw inlineRefused()
    // What tells a server nothing but a name makes no pool of its own.
    const dsn = { ...parseInline(text), applicationName: 'beamline' }
    const destination = egress.admitHost(dsn.host, dsn.port)
    if (dsn.password.length >= learnedLength.least) secrets.learn(tenantId, dsn.password)
    const target: Target = {
      dsn,
      timeoutMs: connectLimit(dsn, config.connectTimeoutMs),
      addresses: (signal) => egress.addresses(destination, resolve, signal),
    }
    return this.#database(target, { host: destination.host })
  }

  #database(target: Target, where: Whereabouts): Database {
    const { clock, log } = this.#options
    const backends = new Backends({ target, clock, log })
    const open: Open = (signal, isQuick) => backends.open(signal, isQuick)
    // What a job brought is under the egress policy, so it shares nothing with what the operator named.
    const pools = 'host' in where ? this.#inlinePools : this.#configuredPools
    const { connectTimeoutMs: _, ...place } = target.dsn
    const key = JSON.stringify(place)
    return {
      lease: async (tenantId, signal, quickly) => {
        try {
          return await pools.lease(key, open, tenantId, signal, quickly)
        } catch (thrown) {
          throw thrown instanceof ConnectionLost ? connectionFailure(thrown, where) : thrown
        }
      },
    }
  }
}

function added(a: Counts, b: Counts): Counts {
  return { busy: a.busy + b.busy, idle: a.idle + b.idle, waiting: a.waiting + b.waiting }
}

/** What is refused as a matter of policy; all else is a DSN that nobody could use. */
const forbidden: ReadonlySet<DsnRule> = new Set(['scheme', 'socket', 'parameter'])

function parseInline(text: string): Dsn {
  try {
    return parseDsn(text, 'inline')
  } catch (error) {
    if (!(error instanceof DsnError)) throw error
    const { rule, parameter, message } = error
    if (!forbidden.has(rule)) throw invalid('connection_string', message)
    const details = { rule, ...(parameter !== undefined && { parameter }) }
    throw new JobError('PERMISSION_DENIED', 'The connection string leads where it may not', { details, unsent: true })
  }
}

function inlineRefused(): JobError {
  return new JobError('PERMISSION_DENIED', 'Connection strings of jobs are not taken here', {
    details: { rule: 'inline', setting: 'SQL_ALLOW_INLINE_DSN' },
    unsent: true,
  })
}

function missing(connection: string): JobError {
  return new JobError('PERMISSION_DENIED', 'The connection is not there, or not for this tenant', {
    details: { connection, reason: 'missing' },
    unsent: true,
  })
}

function noneAsked(): JobError {
  const fields = [{ field: 'connection', problem: 'Missing, and there is no DATABASE_URL to take instead' }]
  return new JobError('MISSING_REQUIRED_FIELD', 'A required field of the input is missing', {
    details: { fields },
    unsent: true,
  })
}

function invalid(field: string, problem: string): JobError {
  return new JobError('INVALID_INPUT', 'The input is not what this job type takes', {
    details: { fields: [{ field, problem }] },
    unsent: true,
  })
}
