import type { Clock } from '../../lib/clock.ts'
import { WaitingLine } from '../../lib/waiting-line.ts'
import type { Lease, Open } from './lease.ts'
import { isEnding, isFull } from './places.ts'
import { Pool } from './pool.ts'

interface PoolsOptions {
  /** The most pools at once. */
  readonly maxPools: number
  /** The most connections of each. */
  readonly size: number
  /** The longest wait for a connection, in milliseconds. */
  readonly queueMs: number
  readonly cleaningMs: number
  /** Whether there may be connections for quick exchanges. */
  readonly mayPrepare: boolean
  readonly clock: Clock
}

/** How many connections there are, and how many wait for one. */
export interface Counts {
  readonly busy: number
  readonly idle: number
  readonly waiting: number
}

/** The pools of all databases: when there are too many, the one that nobody has used for longest is closed. */
export class Pools implements AsyncDisposable {
  readonly #options: PoolsOptions
  readonly #pools = new Map<string, Pool>()
  /** Those who wait until there may be one more pool. */
  readonly #line = new WaitingLine()
  readonly #ending = new Set<Promise<void>>()
  #isClosed = false

  constructor(options: PoolsOptions) {
    this.#options = options
  }

  counts(): Counts {
    const pools = [...this.#pools.values()]
    const sum = (of: (pool: Pool) => number): number => pools.reduce((total, pool) => total + of(pool), 0)
    return {
      busy: sum(({ busy }) => busy),
      idle: sum(({ resting }) => resting),
      waiting: sum(({ waiting }) => waiting) + this.#line.length,
    }
  }

  /** As the pool of this key does, which is made with `open` when there is none; the waits are limited together. */
  async lease(key: string, open: Open, tenantId: string, signal: AbortSignal, quickly?: string): Promise<Lease> {
    if (this.#isClosed) throw isEnding()
    const known = this.#pools.get(key)
    const ready = quickly === undefined || signal.aborted ? undefined : known?.leaseNow(tenantId, quickly)
    if (ready !== undefined) return ready
    const { clock, queueMs } = this.#options
    const until = clock.monotonic() + queueMs
    let pool = known ?? (this.#line.length === 0 ? this.#made(key, open) : undefined)
    while (pool === undefined) {
      await this.#line.wait(tenantId, { clock, limitMs: until - clock.monotonic(), late: isFull }, signal)
      pool = this.#pools.get(key)
      // Somebody else has made it: the next one in the line may make one.
      if (pool !== undefined) this.#line.admit()
      else pool = this.#made(key, open)
    }
    return pool.lease(tenantId, until - clock.monotonic(), signal, quickly)
  }

  /** Ends all connections: at once, or when they are given back, but after two seconds anyway. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true
    this.#line.refuse(isEnding())
    await Promise.all([...this.#pools.values()].map((pool) => pool[Symbol.asyncDispose]()))
    await Promise.all(this.#ending)
  }

  /** Undefined when there are too many, and all are in use. */
  #made(key: string, open: Open): Pool | undefined {
    const { maxPools, size, cleaningMs, mayPrepare, clock } = this.#options
    if (this.#pools.size >= maxPools) {
      const idle = [...this.#pools].filter(([, { isIdle }]) => isIdle)
      const longest = idle.toSorted(([, a], [, b]) => a.usedAt - b.usedAt)[0]
      if (longest === undefined) return undefined
      this.#end(...longest)
    }
    const pool: Pool = new Pool({ size, cleaningMs, mayPrepare, clock, open, onIdle: () => this.#onIdle(key, pool) })
    this.#pools.set(key, pool)
    return pool
  }

  #onIdle(key: string, pool: Pool): void {
    if (this.#isClosed || this.#pools.get(key) !== pool) return
    if (pool.resting === 0) this.#end(key, pool)
    this.#line.admit()
  }

  #end(key: string, pool: Pool): void {
    this.#pools.delete(key)
    const ended = pool[Symbol.asyncDispose]().finally(() => this.#ending.delete(ended))
    this.#ending.add(ended)
  }
}
