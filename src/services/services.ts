/** What handlers share and what has a lifetime, opened and closed together. */
import type { Config } from '../config/schema.ts'
import type { Clock } from '../lib/clock.ts'
import { Egress } from '../lib/egress.ts'
import type { Metrics } from '../observe/metrics.ts'
import { type Fetch, openFetch } from './fetch/fetch.ts'
import { type Jmespath, openJmespath } from './jmespath/jmespath.ts'
import { type OauthTokens, openOauthTokens } from './oauth-tokens.ts'
import type { Secrets } from './secrets/secrets.ts'
import { ScriptThreadPool } from './threads/script-thread-pool.ts'

/** What handlers are functions of. */
export interface Services extends AsyncDisposable {
  readonly secrets: Secrets
  readonly fetch: Fetch
  readonly oauthTokens: OauthTokens
  readonly jmespath: Jmespath
  /** What the operator says of requests. */
  readonly outgoing: Config['outgoing']
}

interface ServicesOptions {
  readonly config: Pick<Config, 'egress' | 'outgoing' | 'scripts'>
  /** Opened before, for the log keeps secrets out of itself; closed by whoever opened them. */
  readonly secrets: Secrets
  readonly clock: Clock
  readonly metrics: Metrics
}

/** Opens them all; nothing is connected or started before it is first used. */
export function openServices({ config, secrets, clock, metrics }: ServicesOptions): Services {
  const { egress, outgoing, scripts } = config
  const fetch = openFetch({ config: outgoing, egress: new Egress(egress), clock, metrics })
  const oauthTokens = openOauthTokens({ fetch, secrets, clock })
  const threads = new ScriptThreadPool({ size: scripts.threads, clock })
  const jmespath = openJmespath({ threads, clock })
  return {
    ...{ secrets, fetch, oauthTokens, jmespath, outgoing },
    async [Symbol.asyncDispose]() {
      for (const service of [jmespath, threads, oauthTokens, fetch]) await service[Symbol.asyncDispose]()
    },
  }
}
