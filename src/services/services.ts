/** What handlers share and what has a lifetime, opened and closed together. */
import type { Config } from '../config/schema.ts'
import type { Clock } from '../lib/clock.ts'
import { Egress } from '../lib/egress.ts'
import type { Logger } from '../observe/logger.ts'
import type { Metrics } from '../observe/metrics.ts'
import { type Fetch, openFetch } from './fetch/fetch.ts'
import { type Jmespath, openJmespath } from './jmespath/jmespath.ts'
import { type OauthTokens, openOauthTokens } from './oauth-tokens.ts'
import { openScripts, type Scripts } from './scripts/scripts.ts'
import type { Secrets } from './secrets/secrets.ts'
import { ScriptThreadPool } from './threads/script-thread-pool.ts'

/** What handlers are functions of. */
export interface Services extends AsyncDisposable {
  readonly secrets: Secrets
  readonly fetch: Fetch
  readonly oauthTokens: OauthTokens
  readonly jmespath: Jmespath
  readonly scripts: Scripts
  /** What the operator says of requests. */
  readonly outgoing: Config['outgoing']
}

interface ServicesOptions {
  readonly config: Pick<Config, 'egress' | 'outgoing' | 'scripts'>
  /** Opened before, for the log keeps secrets out of itself; closed by whoever opened them. */
  readonly secrets: Secrets
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: Metrics
}

/** Opens them all; nothing is connected or started before it is first used. */
export function openServices({ config, secrets, clock, log, metrics }: ServicesOptions): Services {
  const { egress, outgoing } = config
  const fetch = openFetch({ config: outgoing, egress: new Egress(egress), clock, log, metrics })
  const oauthTokens = openOauthTokens({ fetch, secrets, clock })
  const threads = new ScriptThreadPool({ size: config.scripts.threads, clock })
  const jmespath = openJmespath({ threads, clock })
  const scripts = openScripts({ threads, clock, config: config.scripts })
  return {
    ...{ secrets, fetch, oauthTokens, jmespath, scripts, outgoing },
    async [Symbol.asyncDispose]() {
      for (const service of [scripts, jmespath, threads, oauthTokens, fetch]) await service[Symbol.asyncDispose]()
    },
  }
}
