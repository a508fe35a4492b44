import type { Clock } from '../../lib/clock.ts'
import type { Catalog } from './catalog.ts'
import type { Lease } from './databases.ts'
import { sweepEffects } from './effects.ts'

/** How long a table is left alone when little was found, and when there was more, in milliseconds. */
const restMs = 600_000
const shortRestMs = 1000

/** How long one sweep may take, in milliseconds. */
const limitMs = 1000

/** Removes old records of effects, a few now and then, on connections that are just there. */
export class Sweeper {
  readonly #clock: Clock
  /** When the next sweep is due, by what stands for a pool. */
  readonly #dueAt = new WeakMap<Catalog, number>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Sweeps when it is time, on a connection that has no transaction open. Never rejects. */
  async sweep({ connection, catalog }: Lease, table: string): Promise<void> {
    const now = this.#clock.monotonic()
    if (now < (this.#dueAt.get(catalog) ?? 0)) return
    this.#dueAt.set(catalog, now + restMs)
    const limit = new AbortController()
    const timer = this.#clock.after(limitMs, () => limit.abort())
    try {
      const isMore = await sweepEffects(connection, table, limit.signal)
      if (isMore) this.#dueAt.set(catalog, now + shortRestMs)
    } catch {
      // It is tried again when it is time; a connection that is not sound any more knows it.
    } finally {
      timer.cancel()
    }
  }
}
