import { JobError } from '../../errors.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Origin } from './origin.ts'

interface Limits {
  /** How many may be inside at once, for each origin. */
  readonly maxPerOrigin: number
  /** The longest wait before an origin, in milliseconds. */
  readonly waitMs: number
}

type Admit = () => void

interface Place {
  inside: number
  /** Of each tenant in the order in which they came; the tenant whose turn it is stands first. */
  readonly waiting: Map<string, Set<Admit>>
}

/** Lets so many requests to an origin run at once; the others wait, and their tenants are served in turn. */
export class OriginGate {
  readonly #limits: Limits
  readonly #clock: Clock
  readonly #places = new Map<string, Place>()

  constructor(limits: Limits, clock: Clock) {
    this.#limits = limits
    this.#clock = clock
  }

  /**
   * Resolves when there is room, which is taken until what it resolved with is disposed. Rejects with
   * RESOURCE_UNAVAILABLE, unsent and uncharged, after too long a wait, and with the signal's reason when it aborts.
   */
  async enter(tenantId: string, origin: Origin, signal: AbortSignal): Promise<Disposable> {
    signal.throwIfAborted()
    const place = this.#places.get(origin.key) ?? this.#add(origin)
    if (place.inside < this.#limits.maxPerOrigin) place.inside++
    else await this.#turn(place, tenantId, origin, signal)
    return { [Symbol.dispose]: () => this.#leave(origin, place) }
  }

  #add({ key }: Origin): Place {
    const place = { inside: 0, waiting: new Map<string, Set<Admit>>() }
    this.#places.set(key, place)
    return place
  }

  #turn({ waiting }: Place, tenantId: string, { host }: Origin, signal: AbortSignal): Promise<void> {
    const ofTenant = waiting.get(tenantId) ?? new Set<Admit>()
    waiting.set(tenantId, ofTenant)
    return new Promise((resolve, reject) => {
      const end = (): void => {
        ofTenant.delete(admit)
        if (ofTenant.size === 0) waiting.delete(tenantId)
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
      ofTenant.add(admit)
      signal.addEventListener('abort', abort, { once: true })
    })
  }

  /** The room goes to the oldest of the tenant whose turn it is, which then stands last. */
  #leave({ key }: Origin, place: Place): void {
    const [next] = place.waiting
    if (next === undefined) {
      place.inside--
      if (place.inside === 0) this.#places.delete(key)
      return
    }
    const [tenantId, ofTenant] = next
    const [admit] = ofTenant
    place.waiting.delete(tenantId)
    if (ofTenant.size > 1) place.waiting.set(tenantId, ofTenant)
    admit?.()
  }
}

function isFull(host: string): JobError {
  return new JobError('RESOURCE_UNAVAILABLE', 'Too many requests to the server are under way', {
    details: { reason: 'busy', host },
    unsent: true,
    uncharged: true,
  })
}
