import { JobError } from '../../errors.ts'
import { BoundedMap } from '../../lib/bounded-map.ts'
import type { Clock } from '../../lib/clock.ts'
import type { LogFields, Logger } from '../../observe/logger.ts'
import type { Origin } from './origin.ts'

const failuresToOpen = 5
const firstOpenMs = 10_000
const longestOpenMs = 60_000

/** What callers are told to wait for the outcome of somebody else's probe. */
const probeWaitMs = 1000

/** The share by which waits are drawn out at most, so that those who wait do not come back as one herd. */
const mostDrawnOut = 0.25

const bounds = { maxEntries: 10_000, maxAgeMs: 600_000 }

/** How a request that was let through ended: what it says about the health of the other side. */
export type Verdict = 'success' | 'failure' | 'neither'

/** Told once how the request ended; more often is harmless. */
export type Settle = (verdict: Verdict) => void

/** How many circuit breakers are in which state. */
export interface BreakerStates {
  readonly closed: number
  readonly open: number
  readonly halfOpen: number
}

/** Who asks for what: each pair has a breaker of its own. */
interface Pair {
  readonly tenantId: string
  readonly origin: Origin
}

interface BreakerOptions {
  readonly clock: Clock
  readonly log: Logger
  /** From 0 to 1, as Math.random. */
  readonly random: () => number
}

interface Breaker extends Pair {
  readonly key: string
  /** Failures in a row while closed. */
  failures: number
  /** How long it was opened for; 0 while closed. */
  openMs: number
  /** Until when nothing is let through, monotonic. */
  openUntil: number
  isProbing: boolean
}

/**
 * Circuit breakers, one for each tenant and origin: closed until five failures in a row; then open for 10 seconds, in which nothing
 * is let through; then half open, when one request at a time probes. A success closes it again, a failed probe opens
 * it for twice as long, at most a minute. At most 10,000 are remembered, each for ten minutes after it last changed.
 */
export class Breakers {
  readonly #options: BreakerOptions
  readonly #breakers: BoundedMap<string, Breaker>

  constructor(options: BreakerOptions) {
    this.#options = options
    this.#breakers = new BoundedMap(bounds, options.clock)
  }

  /**
   * Lets one request through, or throws RESOURCE_UNAVAILABLE, unsent and uncharged, with the time to wait in
   * `retry_after_ms`: until it is half open, or about a second while somebody else probes, each drawn out by chance.
   */
  admit(tenantId: string, origin: Origin): Settle {
    const key = `${tenantId}\n${origin.key}`
    const breaker = this.#breakers.get(key) ?? this.#add({ key, tenantId, origin })
    if (breaker.openMs === 0) return once((verdict) => this.#note(breaker, verdict))
    const waitMs = breaker.openUntil - this.#options.clock.monotonic()
    if (waitMs > 0) throw this.#isOpen(breaker, waitMs)
    if (breaker.isProbing) throw this.#isOpen(breaker, probeWaitMs)
    breaker.isProbing = true
    return once((verdict) => this.#noteProbe(breaker, verdict))
  }

  states(): BreakerStates {
    const now = this.#options.clock.monotonic()
    const states = { closed: 0, open: 0, halfOpen: 0 }
    for (const key of this.#breakers.keys()) {
      const breaker = this.#breakers.get(key)
      if (breaker === undefined) continue
      if (breaker.openMs === 0) states.closed++
      else if (breaker.openUntil > now) states.open++
      else states.halfOpen++
    }
    return states
  }

  #add(parts: Pick<Breaker, 'key' | 'tenantId' | 'origin'>): Breaker {
    const breaker = { ...parts, failures: 0, openMs: 0, openUntil: 0, isProbing: false }
    this.#breakers.set(breaker.key, breaker)
    return breaker
  }

  #note(breaker: Breaker, verdict: Verdict): void {
    // What was let through before it opened knows nothing new.
    if (breaker.openMs > 0) return
    if (verdict === 'success') breaker.failures = 0
    if (verdict !== 'failure' || ++breaker.failures < failuresToOpen) return
    this.#open(breaker, firstOpenMs)
    this.#options.log.warn('A server fails: requests of this tenant to it are held back', aboutPair(breaker))
  }

  #noteProbe(breaker: Breaker, verdict: Verdict): void {
    breaker.isProbing = false
    if (verdict === 'failure') return this.#open(breaker, Math.min(2 * breaker.openMs, longestOpenMs))
    if (verdict === 'neither') return
    breaker.failures = 0
    breaker.openMs = 0
    this.#options.log.info('A server answers again: requests of this tenant to it pass', aboutPair(breaker))
  }

  #open(breaker: Breaker, openMs: number): void {
    breaker.openMs = openMs
    breaker.openUntil = this.#options.clock.monotonic() + openMs
    this.#breakers.set(breaker.key, breaker)
  }

  #isOpen({ origin: { host } }: Breaker, waitMs: number): JobError {
    const afterMs = Math.ceil(waitMs * (1 + mostDrawnOut * this.#options.random()))
    return new JobError('RESOURCE_UNAVAILABLE', 'The server has failed repeatedly and is left alone for a while', {
      details: { breaker: 'open', host, retry_after_ms: afterMs },
      retry: { afterMs },
      unsent: true,
      uncharged: true,
    })
  }
}

function aboutPair({ tenantId, origin: { host, port } }: Pair): LogFields {
  return { tenant_id: tenantId, context: { host, port } }
}

function once(settle: Settle): Settle {
  let isSettled = false
  return (verdict) => {
    if (!isSettled) settle(verdict)
    isSettled = true
  }
}
