/** Sessions that can be ended on the server: what does not heed a cancellation runs on there when its connection is gone. */
import type { Clock } from '../../lib/clock.ts'
import type { Logger } from '../../observe/logger.ts'
import type { Connection } from './connection.ts'
import { openConnection, type Target } from './dial.ts'
import { limited } from './limited.ts'
import { ConnectionLost } from './server-error.ts'

interface BackendsOptions {
  readonly target: Target
  readonly clock: Clock
  readonly log: Pick<Logger, 'warn'>
}

/** What runs on although nobody wants it. */
interface Stray {
  readonly pid: number
  /** When it was sent, in monotonic milliseconds. */
  readonly since: number
}

/** How often it is tried to end them, and the pause between, in milliseconds. */
const tries = 3
const pauseMs = 1000

/** How far the server's word for how long something has run may be from ours, in seconds. */
const latitude = 2

/** Opens connections to one database. What they leave running there is ended by another one, one at a time, beside all pools. */
export class Backends {
  readonly #options: BackendsOptions
  #strays: Stray[] = []
  #isEnding = false

  constructor(options: BackendsOptions) {
    this.#options = options
  }

  /** Resolves and rejects as openConnection does. */
  async open(signal: AbortSignal): Promise<Connection> {
    const { target, clock } = this.#options
    const late = (): ConnectionLost => new ConnectionLost('timeout')
    const connection = await openConnection(target, clock, signal)
    try {
      const ask = (limit: AbortSignal) => connection.control('SELECT pg_catalog.pg_backend_pid()', limit)
      const [reply] = await limited(ask, { clock, ms: target.timeoutMs, signal, late })
      const pid = Number(reply?.rows[0]?.[0])
      if (Number.isSafeInteger(pid)) connection.onStray((since) => this.#end({ pid, since }))
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
    const { length } = this.#strays
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
      const text = ending(stray.pid, (clock.monotonic() - stray.since) / 1000)
      const ask = (limit: AbortSignal) => connection.control(text, limit)
      const [reply] = await limited(ask, { clock, ms: target.timeoutMs, signal, late })
      this.#strays.shift()
      const isEnded = (reply?.rows.length ?? 0) > 0
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
