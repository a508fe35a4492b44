import { JobError } from '../../errors.ts'
import type { Clock } from '../../lib/clock.ts'
import { WaitingLine } from '../../lib/waiting-line.ts'
import type { Origin } from './origin.ts'

interface Limits {
  /** How many may be inside at once, for each origin. */
  readonly maxPerOrigin: number
  /** The longest wait before an origin, in milliseconds. */
  readonly waitMs: number
}

interface Place {
  inside: number
  readonly waiting: WaitingLine
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
    const patience = { clock: this.#clock, limitMs: this.#limits.waitMs, late: () => isFull(origin.host) }
    if (place.inside < this.#limits.maxPerOrigin) place.inside++
    else await place.waiting.wait(tenantId, patience, signal)
    return { [Symbol.dispose]: () => this.#leave(origin, place) }
  }

  #add({ key }: Origin): Place {
    const place = { inside: 0, waiting: new WaitingLine() }
    this.#places.set(key, place)
    return place
  }

  #leave({ key }: Origin, place: Place): void {
    if (place.waiting.admit()) return
    place.inside--
    if (place.inside === 0) this.#places.delete(key)
  }
}

function isFull(host: string): JobError {
  return new JobError('RESOURCE_UNAVAILABLE', 'Too many requests to the server are under way', {
    details: { reason: 'busy', host },
    unsent: true,
    uncharged: true,
  })
}
