/** Sessions that can be ended on the server: what does not heed a cancellation runs on there when its connection is gone. */
import { randomBytes } from 'node:crypto'
import type { Clock } from '../../lib/clock.ts'
import type { Logger } from '../../observe/logger.ts'
import type { Connection } from './connection.ts'
import { openConnection, type Target } from './dial.ts'
import { limited } from './limited.ts'
import type { Running } from './quick-exchange.ts'
import { ConnectionLost } from './server-error.ts'

interface BackendsOptions {
  readonly target: Target
  readonly clock: Clock
  readonly log: Pick<Logger, 'warn'>
}

/** What runs on although nobody wants it. */
interface Stray {
  /** The statement that ends it. */
  readonly text: () => string
  /** Whether that is worth a word: it did not heed its cancellation. */
  readonly isStubborn: boolean
}

/** How often it is tried to end them, and the pause between, in milliseconds. */
const tries = 3
const pauseMs = 1000

/** How far the server's word for how long something has run may be from ours, in seconds. */
const latitude = 2

const who = "SELECT pg_catalog.pg_backend_pid(), pg_catalog.current_setting('beamline.session', true)"
const markBytes = 12

/** Opens connections to one database. What they leave running there is cancelled or ended by another one, one at a time, beside all pools. */
export class Backends {
  readonly #options: BackendsOptions
  #strays: Stray[] = []
  #isEnding = false

  constructor(options: BackendsOptions) {
    this.#options = options
  }

  /**
   * Resolves and rejects as openConnection does. One for quick exchanges must have a session to itself: names that we give
   * to statements could be those of others, so behind a pooler there are none.
   */
  async open(signal: AbortSignal, isQuick: boolean): Promise<Connection> {
    const { target, clock } = this.#options
    const late = (): ConnectionLost => new ConnectionLost('timeout')
    const mark = isQuick ? randomBytes(markBytes).toString('hex') : undefined
    const connection = await openConnection(target, clock, signal, mark)
    try {
      const ask = (limit: AbortSignal) => connection.control(who, limit)
      const [reply] = await limited(ask, { clock, ms: target.timeoutMs, signal, late })
      const [pidText, session] = reply?.rows[0] ?? []
      if (mark !== undefined && session !== mark) throw new ConnectionLost('protocol')
      const pid = Number(pidText)
      const lasted = (since: number): number => (clock.monotonic() - since) / 1000
      if (Number.isSafeInteger(pid)) {
        connection.onStray((since) => this.#end({ text: () => ending(pid, lasted(since)), isStubborn: true }))
      }
      connection.onCancel((running) => this.#end({ text: () => cancelling(running), isStubborn: false }))
      return connection
    } catch (thrown) {
      connection.discard()
      throw thrown
    }
  }

  #end(stray: Stray): void {
    this.#strays.push(stray)
    if (!this.#isEnding) void this.#endAll()
  }

  /** Never rejects. */
  async #endAll(): Promise<void> {
    this.#isEnding = true
    for (let left = tries; left > 0 && this.#strays.length > 0; left--) {
      if (left < tries) await this.#options.clock.sleep(pauseMs)
      await this.#tryAll().catch(() => undefined)
    }
    const { length } = this.#strays.filter(({ isStubborn }) => isStubborn)
    if (length > 0) this.#options.log.warn('Cancelled statements run on', { context: { statements: length } })
    this.#strays = []
    this.#isEnding = false
  }

  async #tryAll(): Promise<void> {
    const { target, clock, log } = this.#options
    const late = (): ConnectionLost => new ConnectionLost('timeout')
    const { signal } = new AbortController()
    await using connection = await openConnection(target, clock, signal)
    for (let [stray] = this.#strays; stray !== undefined; [stray] = this.#strays) {
      const { text, isStubborn } = stray
      const ask = (limit: AbortSignal) => connection.control(text(), limit)
      const [reply] = await limited(ask, { clock, ms: target.timeoutMs, signal, late })
      this.#strays.shift()
      const isEnded = isStubborn && (reply?.rows.length ?? 0) > 0
      if (isEnded) log.warn('A statement that did not heed its cancellation was ended with its session')
    }
  }
}

/** Behind a pooler the number may be another client's by now, who has not run the same time. */
function ending(pid: number, seconds: number): string {
  const least = (seconds - latitude).toFixed(3)
  const most = (seconds + latitude).toFixed(3)
  return `SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity
    WHERE pid = ${pid} AND state = 'active' AND usename = session_user
    AND extract(epoch FROM pg_catalog.clock_timestamp() - query_start) BETWEEN ${least} AND ${most}`
}

/** A transaction is told from all others of its session by when it began, also behind a pooler. */
function cancelling({ pid, since }: Running): string {
  const began = since.replaceAll("'", "''")
  return `SELECT pg_catalog.pg_cancel_backend(pid) FROM pg_catalog.pg_stat_activity
    WHERE pid = ${pid} AND state = 'active' AND usename = session_user AND xact_start = '${began}'`
}
