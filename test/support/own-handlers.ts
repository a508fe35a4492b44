import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadConfig } from '../../src/config/load.ts'
import type { Handler } from '../../src/handler.ts'
import { handlersOf } from '../../src/handlers/index.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { openLogger } from '../../src/observe/logger.ts'
import { Metrics } from '../../src/observe/metrics.ts'
import { openSecrets } from '../../src/services/secrets/secrets.ts'
import { openServices } from '../../src/services/services.ts'

const log = openLogger({ level: 'error', format: 'json', workerId: 'w', component: 'test', to: () => undefined })

/** The program's own handlers with services that work. Disposing of it closes these. */
export interface OwnHandlers extends AsyncDisposable {
  readonly handlers: readonly Handler[]
}

/** Opens them with these settings. */
export async function openOwnHandlers(env: Readonly<Record<string, string>> = {}): Promise<OwnHandlers> {
  // Nothing is stored, so nothing is made there.
  const config = loadConfig({ FS_BASE_DIR: join(tmpdir(), 'beamline-nothing-stored'), ...env })
  await using opened = new AsyncDisposableStack()
  const secrets = opened.use(await openSecrets(config.secrets, systemClock))
  const metrics = opened.use(new Metrics({ version: '0', bun: '0', commit: '0' }, systemClock))
  const services = opened.use(openServices({ config, secrets, clock: systemClock, log, metrics }))
  const owned = opened.move()
  return { handlers: handlersOf(services), [Symbol.asyncDispose]: () => owned.disposeAsync() }
}
