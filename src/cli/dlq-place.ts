/** Opens the dead letters for a command, and NATS where that takes it. */
import { readFile } from 'node:fs/promises'
import { hostname, userInfo } from 'node:os'
import type { Bus } from '../bus/bus.ts'
import type { Config } from '../config/schema.ts'
import { openDeadLetterStores } from '../dlq/dead-letter-stores.ts'
import { Replayer } from '../exchange/replay.ts'
import { buildInfo } from '../lib/build-info.ts'
import { type Logger, openLogger } from '../observe/logger.ts'
import { Metrics } from '../observe/metrics.ts'
import type { DeadLetterStore } from '../store/dead-letter-store.ts'
import type { Invocation } from './command.ts'
import { openSender, reached } from './sender.ts'
import { withDefaults } from './settings.ts'
import { loadTried, signIn } from './trials.ts'

/** Dead letters to be looked at. Disposing of it closes them. */
export interface DlqPlace extends AsyncDisposable {
  readonly store: DeadLetterStore
  /** Undefined when it was opened only to be looked at. */
  readonly replayer: Replayer | undefined
}

/** NATS is needed and not there. */
export class Unreachable extends Error {
  override readonly name = 'Unreachable'
}

/** Opens them. Rejects with ConfigError, or with Unreachable when replays are to be sent, or DLQ_STREAM is set, and NATS is not there. */
export async function openPlace(
  { env, output, ending, clock }: Pick<Invocation, 'env' | 'output' | 'ending' | 'clock'>,
  purpose: 'look' | 'replay',
): Promise<DlqPlace> {
  await using opened = new AsyncDisposableStack()
  const defaults = { LOG_LEVEL: 'info', LOG_FORMAT: output.stderrIsTerminal ? 'pretty' : 'json' }
  const config = await loadTried(withDefaults(env, defaults), [signIn])
  const logger = (level: Config['log']['level']): Logger & Disposable => {
    const to = (line: string): void => output.complain(line)
    const { format } = config.log
    return opened.use(openLogger({ level, format, workerId: config.worker.id, component: 'dlq', to, clock }))
  }
  const isWordy = (env['LOG_LEVEL'] ?? '').trim() !== ''
  const log = logger(isWordy ? config.log.level : 'warn')
  const metrics = new Metrics(buildInfo, clock)
  // Nothing scrapes them.
  metrics[Symbol.dispose]()
  let bus: Bus | undefined
  if (purpose === 'replay' || config.deadLetters.stream !== undefined) {
    bus = opened.use(await openSender({ config, log, metrics, clock }))
    if (!(await reached(bus, ending.signal, clock))) throw new Unreachable(bus.health().nats)
  }
  const store = opened.use(await openDeadLetterStores({ config, bus, clock, log, existing: true }))
  const { subjects, wire } = config
  const replayer =
    bus && new Replayer({ store, bus, subjects, envelope: wire.envelope, clock, log: logger(config.log.level) })
  const owned = opened.move()
  return { store, replayer, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

/** Who calls, for the marks: by number or by the name in `/etc/passwd`, for the variable USER can say anything, or nothing. */
export async function caller(): Promise<string> {
  return `command: ${await userName()}@${hostname()}`
}

async function userName(): Promise<string> {
  const uid = process.getuid?.()
  if (uid === undefined) return userInfo().username
  const users = await readFile('/etc/passwd', 'utf8').catch(() => '')
  const fields = users.split('\n').map((line) => line.split(':'))
  return fields.find(([, , number]) => number === String(uid))?.[0] ?? `user ${uid}`
}
