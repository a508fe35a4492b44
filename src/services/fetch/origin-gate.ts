import { JobError } from '../../errors.ts'
import type { Clock } from '../../lib/clock.ts'

interface Limits {
  /** How many may be inside at once, for each origin. */
  readonly maxPerOrigin: number
  /** The longest wait before an origin, in milliseconds. */
  readonly waitMs: number
}

interface Origin {
  inside: number
  /** In the order in which they came. */
  readonly waiting: Set<() => void>
}

/** Lets so many requests to an origin run at once; the others wait in the order in which they came. */
export class OriginGate {
  readonly #limits: Limits
  readonly #clock: Clock
  readonly #origins = new Map<string, Origin>()

  constructor(limits: Limits, clock: Clock) {
    this.#limits = limits
    this.#clock = clock
  }

  /**
   * Resolves when there is room, which is taken until what it resolved with is disposed. Rejects with
   * RESOURCE_UNAVAILABLE, unsent, after too long a wait, and with the signal's reason when it aborts.
   */
  async enter(origin: string, host: string, signal: AbortSignal): Promise<Disposable> {
    signal.throwIfAborted()
    const state = this.#origins.get(origin) ?? this.#add(origin)
    if (state.inside < this.#limits.maxPerOrigin) state.inside++
    else await this.#turn(state, host, signal)
    return { [Symbol.dispose]: () => this.#leave(origin, state) }
  }

  #add(origin: string): Origin {
    const state = { inside: 0, waiting: new Set<() => void>() }
    this.#origins.set(origin, state)
    return state
  }

  #turn(state: Origin, host: string, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (): void => {
        state.waiting.delete(admit)
        limit.cancel()
        signal.removeEventListener('abort', abort)
      }
      const admit = (): void => {
        end()
        resolve()
      }
      const abort = (): void => {
        end()
        reject(signal.reason)
      }
      const limit = this.#clock.after(this.#limits.waitMs, () => {
        end()
        reject(isFull(host))
      })
      state.waiting.add(admit)
      signal.addEventListener('abort', abort, { once: true })
    })
  }

  /** The place goes to whoever waited longest. */
  #leave(origin: string, state: Origin): void {
    const [next] = state.waiting
    if (next !== undefined) return next()
    state.inside--
    if (state.inside === 0) this.#origins.delete(origin)
  }
}

function isFull(host: string): JobError {
  return new JobError('RESOURCE_UNAVAILABLE', 'Too many requests to the server are under way', {
    details: { reason: 'busy', host },
    unsent: true,
  })
}
