import type { Clock, Timer } from '../../lib/clock.ts'
import { type Catalog, openCatalog } from './catalog.ts'
import type { Connection } from './connection.ts'
import { limited } from './limited.ts'
import { Places } from './places.ts'
import { ConnectionLost, type Loss } from './server-error.ts'

/** The right to use a connection alone; disposing gives it back, or ends it when it is not sound. */
export interface Lease extends AsyncDisposable {
  readonly connection: Connection
  /** What is known of the types of this database. */
  readonly catalog: Catalog
  /** Gives it back while something of it still has to end, which never rejects: who gets the connection next waits until then. */
  giveBack(settled: Promise<void>): void
}

interface PoolOptions {
  /** The most connections at once. */
  readonly size: number
  /** The longest that cleaning a session may take, in milliseconds. */
  readonly cleaningMs: number
  readonly clock: Clock
  /** Opens a connection, within a time limit of its own. */
  open(signal: AbortSignal): Promise<Connection>
  /** Is called each time that nobody uses it or waits any more. */
  onIdle(): void
}

interface Resting {
  readonly connection: Connection
  /** Until then its last user has something to end. */
  readonly settled: Promise<void> | undefined
  /** Who used it last. */
  readonly tenantId: string
  /** In monotonic milliseconds. */
  readonly since: number
}

/** How long a connection is kept that nobody uses, in milliseconds. */
const restMs = 60_000

/** How long a place stays empty after a connection for it could not be opened although others stand, in milliseconds. */
const pauseMs = 1000

/** How long closing waits for those who have a connection, before it is taken from them, in milliseconds. */
const closeMs = 2000

/** What may pass by itself. */
const passing: ReadonlySet<Loss> = new Set(['tooMany', 'refused', 'timeout', 'starting', 'lost', 'rejected'])

/** Connections to one database for one user: opened when they are wanted, each for one job at a time. */
export class Pool implements AsyncDisposable {
  readonly #options: PoolOptions
  readonly #catalog: Catalog
  /** A place is the right to have a connection: with those that rest there are never more connections than places. */
  readonly #places: Places
  /** All that are open, in use or not. */
  readonly #open = new Set<Connection>()
  /** Those that were used last stand last. */
  readonly #resting: Resting[] = []
  #sweep: Timer | undefined
  #usedAt: number

  constructor(options: PoolOptions) {
    const { size, clock } = options
    this.#options = options
    this.#catalog = openCatalog(clock)
    this.#places = new Places(size, clock)
    this.#usedAt = clock.monotonic()
  }

  get busy(): number {
    return this.#open.size - this.#resting.length
  }

  get resting(): number {
    return this.#resting.filter(({ connection }) => connection.isSound).length
  }

  get waiting(): number {
    return this.#places.waiting
  }

  /** Whether nobody uses it or waits. */
  get isIdle(): boolean {
    return this.#places.isEmpty
  }

  /** When it was used last, in monotonic milliseconds. */
  get usedAt(): number {
    return this.#usedAt
  }

  /**
   * Resolves with a connection with nothing of another tenant in its session. Rejects with RESOURCE_UNAVAILABLE, unsent,
   * after too long a wait (in milliseconds) and when the pool is closed, with what opening a connection rejects with,
   * and with the signal's reason when it aborts.
   */
  async lease(tenantId: string, waitMs: number, signal: AbortSignal): Promise<Lease> {
    const { clock } = this.#options
    const until = clock.monotonic() + waitMs
    for (;;) {
      await this.#places.take(tenantId, until - clock.monotonic(), signal)
      try {
        signal.throwIfAborted()
        const connection = (await this.#rested(tenantId, signal)) ?? (await this.#opened(signal))
        if (!this.#places.isClosed) return this.#lend(connection, tenantId)
        this.#drop(connection)
      } catch (thrown) {
        if (!this.#mayWaitOn(thrown, tenantId, signal)) throw thrown
        continue
      }
      this.#leave(tenantId)
    }
  }

  /** Ends those that rest at once, and the others when they are given back, but after two seconds anyway. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#sweep?.cancel()
    const left = this.#places.close(closeMs)
    await this.#end(this.#resting.splice(0).map(({ connection }) => connection))
    await left
    await this.#end([...this.#open])
  }

  /** One that rests: this tenant's own if there is one, another's only after its session is cleaned. */
  async #rested(tenantId: string, signal: AbortSignal): Promise<Connection | undefined> {
    for (;;) {
      const own = this.#resting.findLastIndex((resting) => resting.tenantId === tenantId)
      // With -1 it is the one that was used last.
      const [found] = this.#resting.splice(own, 1)
      if (found === undefined) return undefined
      await found.settled
      if (found.connection.isSound && (found.tenantId === tenantId || (await this.#clean(found.connection, signal)))) {
        return found.connection
      }
      this.#drop(found.connection)
    }
  }

  /** Whether nothing is left in the session of what was done in it; rejects only when the signal aborts. */
  async #clean(connection: Connection, signal: AbortSignal): Promise<boolean> {
    const { clock, cleaningMs: ms } = this.#options
    const late = (): Error => new ConnectionLost('timeout')
    try {
      await limited((limit) => connection.control('DISCARD ALL', limit), { clock, ms, signal, late })
      return true
    } catch {
      if (signal.aborted) this.#drop(connection)
      signal.throwIfAborted()
      return false
    }
  }

  async #opened(signal: AbortSignal): Promise<Connection> {
    const connection = await this.#options.open(signal)
    this.#open.add(connection)
    return connection
  }

  async #end(connections: readonly Connection[]): Promise<void> {
    for (const connection of connections) this.#open.delete(connection)
    await Promise.all(connections.map((connection) => connection[Symbol.asyncDispose]()))
  }

  #drop(connection: Connection): void {
    this.#open.delete(connection)
    connection.discard()
  }

  /** What becomes of the place when there is no connection for it: whether its owner may wait for one of the others. */
  #mayWaitOn(thrown: unknown, tenantId: string, signal: AbortSignal): boolean {
    const isAlone = ![...this.#open].some(({ isSound }) => isSound)
    if (signal.aborted || isAlone) {
      // Those who wait would only try the same, one after the other.
      if (!signal.aborted) this.#places.refuse(thrown)
      this.#leave(tenantId)
      return false
    }
    this.#places.leaveLater(tenantId, pauseMs)
    return thrown instanceof ConnectionLost && passing.has(thrown.loss)
  }

  #lend(connection: Connection, tenantId: string): Lease {
    let isLent = true
    const takeBack = (settled?: Promise<void>): void => {
      if (isLent) this.#takeBack(connection, tenantId, settled)
      isLent = false
    }
    return {
      connection,
      catalog: this.#catalog,
      giveBack: takeBack,
      [Symbol.asyncDispose]: async () => takeBack(),
    }
  }

  #takeBack(connection: Connection, tenantId: string, settled: Promise<void> | undefined): void {
    const { clock } = this.#options
    if (connection.isSound && !this.#places.isClosed) {
      this.#resting.push({ connection, settled, tenantId, since: clock.monotonic() })
      this.#sweep ??= clock.after(restMs, () => this.#endRested())
    } else this.#drop(connection)
    this.#leave(tenantId)
  }

  #endRested(): void {
    const { clock } = this.#options
    const until = clock.monotonic() - restMs
    const fresh = this.#resting.findIndex(({ since }) => since > until)
    const old = this.#resting.splice(0, fresh === -1 ? this.#resting.length : fresh)
    for (const { connection } of old) this.#drop(connection)
    const [oldest] = this.#resting
    this.#sweep = oldest && clock.after(oldest.since - until, () => this.#endRested())
    if (this.isIdle) this.#options.onIdle()
  }

  #leave(tenantId: string): void {
    this.#usedAt = this.#options.clock.monotonic()
    this.#places.leave(tenantId)
    if (this.isIdle) this.#options.onIdle()
  }
}
