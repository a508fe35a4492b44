import { BoundedMap } from '../lib/bounded-map.ts'
import type { Clock } from '../lib/clock.ts'
import { quantumMs } from './fair-queue.ts'

/** The bounds of what the schedule counts with, in milliseconds of slot time. */
const least = 1
const most = 10_000
/** The weight of the newest job in the running mean. */
const weight = 0.2
const memory = { maxEntries: 1000, maxAgeMs: 3_600_000 }

/** Expects of a tenant's next job of a type what its last ones took. */
export class Costs {
  readonly #means: BoundedMap<string, { ms: number }>

  constructor(clock: Clock) {
    this.#means = new BoundedMap(memory, clock)
  }

  /**
   * Slot time in milliseconds. What has not been seen yet counts as a whole turn, so that a flood of it alternates with
   * other tenants' jobs from the first.
   */
  expected(tenantId: string, type: string): number {
    return this.#means.get(`${type}\n${tenantId}`)?.ms ?? quantumMs
  }

  observe(tenantId: string, type: string, tookMs: number): void {
    const key = `${type}\n${tenantId}`
    const cost = Math.min(most, Math.max(least, tookMs))
    const mean = this.#means.get(key)
    if (mean === undefined) this.#means.set(key, { ms: cost })
    else mean.ms += weight * (cost - mean.ms)
  }
}
