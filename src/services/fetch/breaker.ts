import { JobError } from '../../errors.ts'
import { BoundedMap } from '../../lib/bounded-map.ts'
import type { Clock } from '../../lib/clock.ts'

const failuresToOpen = 5
const firstOpenMs = 10_000
const longestOpenMs = 60_000

/** What callers are told to wait for the outcome of somebody else's probe. */
const probeWaitMs = 1000

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

interface Breaker {
  /** Failures in a row while closed. */
  failures: number
  /** How long it was opened for; 0 while closed. */
  openMs: number
  /** Until when nothing is let through, monotonic. */
  openUntil: number
  isProbing: boolean
}

/**
 * Circuit breakers, one for each key: closed until five failures in a row; then open for 10 seconds, in which nothing
 * is let through; then half open, when one request at a time probes. A success closes it again, a failed probe opens
 * it for twice as long, at most a minute. At most 10,000 keys are remembered, each for ten minutes after it last
 * changed.
 */
export class Breakers {
  readonly #clock: Clock
  readonly #breakers: BoundedMap<string, Breaker>

  constructor(clock: Clock) {
    this.#clock = clock
    this.#breakers = new BoundedMap(bounds, clock)
  }

  /** Lets one request through, or throws RESOURCE_UNAVAILABLE, unsent, with the time to wait in `retry_after_ms`. */
  admit(key: string, host: string): Settle {
    const breaker = this.#breakers.get(key) ?? this.#add(key)
    if (breaker.openMs === 0) return once((verdict) => this.#note(key, breaker, verdict))
    const waitMs = breaker.openUntil - this.#clock.monotonic()
    if (waitMs > 0) throw isOpen(host, waitMs)
    if (breaker.isProbing) throw isOpen(host, probeWaitMs)
    breaker.isProbing = true
    return once((verdict) => this.#noteProbe(key, breaker, verdict))
  }

  states(): BreakerStates {
    const now = this.#clock.monotonic()
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

  #add(key: string): Breaker {
    const breaker = { failures: 0, openMs: 0, openUntil: 0, isProbing: false }
    this.#breakers.set(key, breaker)
    return breaker
  }

  #note(key: string, breaker: Breaker, verdict: Verdict): void {
    // What was let through before it opened knows nothing new.
    if (breaker.openMs > 0) return
    if (verdict === 'success') breaker.failures = 0
    if (verdict === 'failure' && ++breaker.failures >= failuresToOpen) this.#open(key, breaker, firstOpenMs)
  }

  #noteProbe(key: string, breaker: Breaker, verdict: Verdict): void {
    breaker.isProbing = false
    if (verdict === 'failure') return this.#open(key, breaker, Math.min(2 * breaker.openMs, longestOpenMs))
    if (verdict === 'neither') return
    breaker.failures = 0
    breaker.openMs = 0
  }

  #open(key: string, breaker: Breaker, openMs: number): void {
    breaker.openMs = openMs
    breaker.openUntil = this.#clock.monotonic() + openMs
    this.#breakers.set(key, breaker)
  }
}

function once(settle: Settle): Settle {
  let isSettled = false
  return (verdict) => {
    if (!isSettled) settle(verdict)
    isSettled = true
  }
}

function isOpen(host: string, waitMs: number): JobError {
  const afterMs = Math.ceil(waitMs)
  return new JobError('RESOURCE_UNAVAILABLE', 'The server has failed repeatedly and is left alone for a while', {
    details: { breaker: 'open', host, retry_after_ms: afterMs },
    retry: { afterMs },
    unsent: true,
  })
}
