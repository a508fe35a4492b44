/** What handlers share and what has a lifetime, opened and closed together. */
import type { Config } from '../config/schema.ts'
import type { Clock } from '../lib/clock.ts'
import { Egress } from '../lib/egress.ts'
import type { Logger } from '../observe/logger.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Blobs } from './blobs/blobs.ts'
import { openBlobs } from './blobs/open-blobs.ts'
import { type Fetch, openFetch } from './fetch/fetch.ts'
import { rememberingResolve } from './fetch/resolver.ts'
import { type Jmespath, openJmespath } from './jmespath/jmespath.ts'
import { type OauthTokens, openOauthTokens } from './oauth-tokens.ts'
import { openPayloads, type Payloads } from './payloads.ts'
import { openScripts, type Scripts } from './scripts/scripts.ts'
import type { Secrets } from './secrets/secrets.ts'
import { openDatabases } from './sql/databases.ts'
import { openSql, type Sql } from './sql/sql.ts'
import { ScriptThreadPool } from './threads/script-thread-pool.ts'

/** What handlers are functions of. */
export interface Services extends AsyncDisposable {
  readonly secrets: Secrets
  readonly fetch: Fetch
  readonly oauthTokens: OauthTokens
  readonly jmespath: Jmespath
  readonly scripts: Scripts
  readonly sql: Sql
  readonly blobs: Blobs
  readonly payloads: Payloads
  /** What the operator says of requests. */
  readonly outgoing: Config['outgoing']
}

interface ServicesOptions {
  readonly config: Pick<Config, 'egress' | 'outgoing' | 'scripts' | 'sql' | 'blobs'>
  /** Opened before, for the log keeps secrets out of itself; closed by whoever opened them. */
  readonly secrets: Secrets
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: Metrics
}

/** Opens them all; nothing is connected or started before it is first used, but what is left of blobs is swept up. */
export function openServices({ config, secrets, clock, log, metrics }: ServicesOptions): Services {
  const { outgoing } = config
  const reach = { egress: new Egress(config.egress), resolve: rememberingResolve(clock), clock, metrics }
  const fetch = openFetch({ ...reach, config: outgoing, log })
  const databases = openDatabases({ ...reach, config: config.sql, secrets, log })
  const sql = openSql({ databases, clock })
  const oauthTokens = openOauthTokens({ fetch, secrets, clock })
  const threads = new ScriptThreadPool({ size: config.scripts.threads, clock, log, metrics })
  const jmespath = openJmespath({ threads, clock })
  const scripts = openScripts({ threads, clock, config: config.scripts })
  const blobs = openBlobs({ config: config.blobs, clock, log, metrics })
  return {
    ...{ secrets, fetch, oauthTokens, jmespath, scripts, sql, blobs, payloads: openPayloads(blobs, clock), outgoing },
    async [Symbol.asyncDispose]() {
      for (const service of [databases, scripts, jmespath, threads, oauthTokens, fetch, blobs]) {
        await service[Symbol.asyncDispose]()
      }
    },
  }
}
