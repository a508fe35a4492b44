/** Puts the process together for `start`, `dev` and `run`, and takes it apart again, backwards. */
import type { Bus } from '../bus/bus.ts'
import type { Config } from '../config/schema.ts'
import { openReporting } from '../exchange/reporting.ts'
import type { Access } from '../http/access.ts'
import type { Health } from '../http/health-routes.ts'
import { type HttpServer, openHttp } from '../http/server.ts'
import { buildInfo } from '../lib/build-info.ts'
import type { Clock } from '../lib/clock.ts'
import { type Logger, openLogger } from '../observe/logger.ts'
import { Metrics } from '../observe/metrics.ts'
import type { Role, RunningRole } from '../role.ts'
import { openSecrets } from '../services/secrets/secrets.ts'
import { openServices } from '../services/services.ts'
import { openStateStore } from '../store/open-state-store.ts'
import type { Ending } from './ending.ts'
import { collectWhenIdle } from './idle-collection.ts'
import { watchMemory } from './memory-watch.ts'

/** What a bus may be made of. */
interface BusParts {
  readonly log: Logger
  readonly metrics: Metrics
}

interface PlatformOptions {
  readonly config: Config
  readonly roles: readonly Role[]
  openBus(parts: BusParts): Promise<Bus>
  /** Who may use the HTTP API; without it nothing listens. */
  readonly access?: Access
  readonly logTo: 'stdout' | 'stderr' | ((line: string) => void)
  /** What the first log line says beside version, roles and address. */
  readonly about: Readonly<Record<string, unknown>>
  readonly ending: Ending
  readonly clock: Clock
}

/**
 * A process that is put together. Disposing of it drains the roles, closes the bus, then HTTP, and writes the rest of
 * the log.
 */
export interface RunningPlatform extends AsyncDisposable {
  readonly bus: Bus
  readonly log: Logger
  /** Where HTTP listens; undefined without it. */
  readonly url: string | undefined
  /** The roles take work from now on. */
  start(): void
  /** The roles end or give back what they have; disposing does it too, but then the bus goes as well. */
  drain(): Promise<void>
}

/** What draining may take beyond the grace period, in milliseconds, before the process goes on without it. */
const drainMarginMs = 15_000

/** Opens secrets, log, metrics, bus, services, state, dead letters, roles and HTTP, in this order. Rejects with ConfigError, leaving nothing behind. */
export async function openPlatform(options: PlatformOptions): Promise<RunningPlatform> {
  const { config, ending, clock } = options
  await using opened = new AsyncDisposableStack()
  const secrets = opened.use(await openSecrets(config.secrets, clock))
  const { mask } = secrets
  const log = opened.use(
    openLogger({ ...config.log, workerId: config.worker.id, component: 'process', to: options.logTo, clock, mask }),
  )
  opened.defer(ending.onCrash((error) => log.error('Unexpected error; draining', { error })))
  let http: HttpServer | undefined
  opened.defer(async () => http?.[Symbol.asyncDispose]())
  const metrics = opened.use(new Metrics(buildInfo, clock))
  const bus = opened.use(await options.openBus({ log, metrics }))
  const services = opened.use(openServices({ config, secrets, clock, log, metrics }))
  const store = opened.use(await openStateStore({ config, bus, clock, log }))
  const reporting = opened.use(await openReporting({ config, bus, masks: secrets, clock, log, metrics }))
  const running: RunningRole[] = []
  for (const role of options.roles) {
    const parking = running.find((earlier) => earlier.parking !== undefined)?.parking
    running.push(await role.open({ config, bus, clock, log, metrics, services, store, reporting, parking }))
  }
  let drained: Promise<void> | undefined
  const drain = (): Promise<void> => {
    drained ??= drainInTime(running, { config, clock, log })
    return drained
  }
  opened.defer(drain)
  const health = healthOf({ config, bus, running, ending, clock })
  const isReady = ({ ready, draining }: ReturnType<Health['state']>): boolean => ready && !draining
  metrics.observe({ ready: () => isReady(health.state()) })
  if (options.access !== undefined) {
    const { host, port, maxBodyBytes } = config.http
    const routes = running.flatMap((role) => role.routes)
    http = await openHttp({ host, port, maxBodyBytes, access: options.access, health, metrics, log, routes, clock })
  }
  opened.defer(watchMemory({ maxRssBytes: config.worker.maxRssBytes, ending, clock, log }))
  opened.defer(collectWhenIdle(clock))
  introduce({ ...options, url: http?.url, log })
  const owned = opened.move()
  return {
    bus,
    log,
    url: http?.url,
    start() {
      for (const role of running) role.start()
    },
    drain,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

function introduce({
  config,
  roles,
  about,
  url,
  log,
}: Pick<PlatformOptions, 'config' | 'roles' | 'about'> & { readonly url: string | undefined; readonly log: Logger }) {
  const { version, commit } = buildInfo
  log.info('Beamline started', { context: { version, commit, roles: roles.map(({ name }) => name), url, ...about } })
  if (config.worker.sandboxMode) {
    log.warn('SANDBOX MODE: nothing that has an effect is run; such jobs are answered with samples')
  }
}

function healthOf(parts: {
  readonly config: Config
  readonly bus: Bus
  readonly running: readonly RunningRole[]
  readonly ending: Ending
  readonly clock: Clock
}): Health {
  const { config, bus, running, ending, clock } = parts
  const startedAt = clock.monotonic()
  return {
    version: buildInfo.version,
    commit: buildInfo.commit,
    workerId: () => config.worker.id,
    activeJobs: () => running.reduce((sum, role) => sum + role.activeJobs, 0),
    uptimeSeconds: () => Math.floor((clock.monotonic() - startedAt) / 1000),
    state() {
      const checks = Object.assign({ ...bus.health() }, ...running.map((role) => role.checks())) as Readonly<
        Record<string, string>
      >
      return {
        ready: Object.values(checks).every((check) => check === 'ok'),
        draining: ending.signal.aborted,
        load: Math.max(0, ...running.map((role) => role.load)),
        checks,
        sandbox: config.worker.sandboxMode,
      }
    },
  }
}

/** Roles that never end draining must not keep the process: what they hold is delivered again, or lost as in a crash. */
async function drainInTime(
  roles: readonly RunningRole[],
  { config, clock, log }: { readonly config: Config; readonly clock: Clock; readonly log: Logger },
): Promise<void> {
  const limit = new AbortController()
  const late = clock.sleep(config.worker.shutdownGraceMs + drainMarginMs, limit.signal).then(
    () => log.error('Draining has not ended in time; going on without it'),
    () => undefined,
  )
  const drained = Promise.allSettled(roles.map((role) => role.drain()))
  const ends = (await Promise.race([drained, late])) ?? []
  limit.abort()
  for (const end of ends) if (end.status === 'rejected') log.error('Draining failed', { error: end.reason })
}
