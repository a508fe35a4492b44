import type { Clock, Timer } from '../../lib/clock.ts'
import { type Catalog, openCatalog } from './catalog.ts'
import type { Connection } from './connection.ts'
import { type Lease, type Lender, type Open, PoolLease } from './lease.ts'
import { limited } from './limited.ts'
import { Places } from './places.ts'
import { ConnectionLost, type Loss } from './server-error.ts'
import { discardAll } from './transaction.ts'

interface PoolOptions {
  /** The most connections at once. */
  readonly size: number
  /** The longest that cleaning a session may take, in milliseconds. */
  readonly cleaningMs: number
  readonly clock: Clock
  /** Whether there may be connections for quick exchanges. */
  readonly mayPrepare: boolean
  readonly open: Open
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

/** How long there are no quick exchanges after they have failed, in milliseconds. */
const unquickMs = 60_000

/**
 * When so many quick exchanges found no connection, another one is ended to make room: opening one takes as long as some
 * dozens of them.
 */
const mostMissed = 200

/** What may pass by itself. */
const passing: ReadonlySet<Loss> = new Set(['tooMany', 'refused', 'timeout', 'starting', 'lost', 'rejected'])

/** Connections to one database for one user: opened when they are wanted, each for one job at a time. */
export class Pool implements AsyncDisposable, Lender {
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
  /** Until then, in monotonic milliseconds, there are no quick exchanges. */
  #unquickUntil = Number.NEGATIVE_INFINITY
  #missed = 0
  /** Of connections for quick exchanges: how many tables had changed when it was opened. */
  readonly #openedAt = new WeakMap<Connection, number>()

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
   * and with the signal's reason when it aborts. Where only `quickly`, a query, is to be run, and it is known to touch
   * nothing, the connection may be one for quick exchanges.
   */
  async lease(tenantId: string, waitMs: number, signal: AbortSignal, quickly?: string): Promise<Lease> {
    const { clock } = this.#options
    const isQuick = this.#isQuick(quickly)
    const until = clock.monotonic() + waitMs
    for (;;) {
      await this.#places.take(tenantId, until - clock.monotonic(), signal)
      try {
        signal.throwIfAborted()
        const connection = isQuick
          ? await this.#quickOne(tenantId, signal)
          : ((await this.#rested(tenantId, false, signal)) ?? (await this.#opened(signal, false)))
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

  #isQuick(query: string | undefined): boolean {
    if (query === undefined || !this.#options.mayPrepare) return false
    if (this.#unquickUntil > this.#options.clock.monotonic()) return false
    return this.#catalog.queries.find(query) !== undefined
  }

  /** As `lease` does, for a query, when nobody has to wait, to open or to clean anything for that; else undefined. */
  leaseNow(tenantId: string, quickly: string): Lease | undefined {
    const last = this.#resting.at(-1)
    if (last === undefined || last.tenantId !== tenantId || !isReady(last)) return undefined
    if (!this.#isTrusted(last.connection)) return undefined
    if (!this.#isQuick(quickly) || !this.#places.takeNow(tenantId)) return undefined
    this.#resting.pop()
    return this.#lend(last.connection, tenantId)
  }

  /** One for quick exchanges if there is one, or room for it, or if it is worth to make room; else any other. */
  async #quickOne(tenantId: string, signal: AbortSignal): Promise<Connection> {
    const rested = await this.#rested(tenantId, true, signal)
    if (rested !== undefined) return rested
    const isWorthIt = this.#hasRoom || ++this.#missed % mostMissed === 0
    const other = isWorthIt ? undefined : await this.#rested(tenantId, false, signal)
    if (other !== undefined) return other
    try {
      return await this.#opened(signal, true)
    } catch (thrown) {
      if (signal.aborted) throw thrown
      this.stopQuick()
      return (await this.#rested(tenantId, false, signal)) ?? this.#opened(signal, false)
    }
  }

  stopQuick(): void {
    this.#unquickUntil = this.#options.clock.monotonic() + unquickMs
  }

  /** Whether it is sound, and only ran what was known to touch nothing where nothing else may run. */
  #isTrusted(connection: Connection): boolean {
    return (
      connection.isSound &&
      (this.#openedAt.get(connection) ?? this.#catalog.queries.changes) === this.#catalog.queries.changes
    )
  }

  /** Whether one more may be opened while those stand that rest. */
  get #hasRoom(): boolean {
    return this.#places.full + this.#resting.length <= this.#options.size
  }

  /** One that rests: this tenant's own if there is one, another's only after its session is cleaned. */
  async #rested(tenantId: string, isQuick: boolean, signal: AbortSignal): Promise<Connection | undefined> {
    for (;;) {
      const ofKind = ({ connection }: Resting): boolean => (connection.quick !== undefined) === isQuick
      const own = this.#resting.findLastIndex((resting) => resting.tenantId === tenantId && ofKind(resting))
      const index = own === -1 ? this.#resting.findLastIndex(ofKind) : own
      if (index === -1) return undefined
      const [found] = this.#resting.splice(index, 1)
      if (found === undefined) return undefined
      await found.settled
      if (
        this.#isTrusted(found.connection) &&
        (found.tenantId === tenantId || (await this.#clean(found.connection, signal)))
      ) {
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
      await limited((limit) => discardAll(connection, limit), { clock, ms, signal, late })
      return true
    } catch {
      if (signal.aborted) this.#drop(connection)
      signal.throwIfAborted()
      return false
    }
  }

  async #opened(signal: AbortSignal, isQuick: boolean): Promise<Connection> {
    // One of the other kind rests in the place.
    while (!this.#hasRoom) {
      const other = this.#resting.shift()
      if (other === undefined) break
      await this.#end([other.connection])
    }
    const { changes } = this.#catalog.queries
    const connection = await this.#options.open(signal, isQuick)
    this.#open.add(connection)
    if (isQuick) this.#openedAt.set(connection, changes)
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
    return new PoolLease(connection, this.#catalog, tenantId, this)
  }

  takeBack(connection: Connection, tenantId: string, settled: Promise<void> | undefined): void {
    const { clock } = this.#options
    if (this.#isTrusted(connection) && connection.quick?.isWorn !== true && !this.#places.isClosed) {
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

function isReady({ connection, settled }: Resting): boolean {
  return connection.quick !== undefined && connection.isSound && settled === undefined
}
