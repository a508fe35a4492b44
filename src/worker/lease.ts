import type { Delivery } from '../bus/bus.ts'
import { BoundedMap } from '../lib/bounded-map.ts'
import type { Clock, Timer } from '../lib/clock.ts'

/** How many ended messages are remembered, and how long in milliseconds, so that a late redelivery is acked and not run. */
const endedMemory = { maxEntries: 10_000, maxAgeMs: 3_600_000 }

/** One delivery as long as it is held here; a redelivery of the same message meanwhile takes the place of the first. */
export class Lease {
  #delivery: Delivery

  constructor(delivery: Delivery) {
    this.#delivery = delivery
  }

  /** The latest delivery: the one the bus listens to. */
  get delivery(): Delivery {
    return this.#delivery
  }

  adopt(delivery: Delivery): void {
    this.#delivery = delivery
  }
}

/** Everything that is held, kept alive by one timer at a third of the lease. */
export class Leases implements Disposable {
  readonly #clock: Clock
  readonly #held = new Set<Lease>()
  readonly #bySequence = new Map<string, Lease>()
  readonly #ended: BoundedMap<string, true>
  #timer: Timer | undefined
  #leaseMs: number | undefined

  constructor(clock: Clock) {
    this.#clock = clock
    this.#ended = new BoundedMap(endedMemory, clock)
  }

  get size(): number {
    return this.#held.size
  }

  hold(delivery: Delivery): Lease {
    const lease = new Lease(delivery)
    this.keep(lease)
    if (delivery.leaseMs !== undefined && delivery.leaseMs !== this.#leaseMs) this.#extendEvery(delivery.leaseMs)
    return lease
  }

  /** It is held here (again). */
  keep(lease: Lease): void {
    this.#held.add(lease)
    if (lease.delivery.sequence !== undefined) this.#bySequence.set(lease.delivery.sequence, lease)
  }

  /** The lease under which this message is already held here. */
  find(sequence: string): Lease | undefined {
    return this.#bySequence.get(sequence)
  }

  /** Whether the message was dealt with here, so that only its ack can have been lost. */
  hasEnded(sequence: string): boolean {
    return this.#ended.get(sequence) !== undefined
  }

  /** It is done: acks it, and remembers that it was. */
  end(lease: Lease): Promise<void> {
    this.release(lease)
    if (lease.delivery.sequence !== undefined) this.#ended.set(lease.delivery.sequence, true)
    return lease.delivery.ack()
  }

  /** It is not held here any longer, however it goes on. */
  release(lease: Lease): void {
    this.#held.delete(lease)
    if (lease.delivery.sequence !== undefined) this.#bySequence.delete(lease.delivery.sequence)
  }

  [Symbol.dispose](): void {
    this.#timer?.cancel()
  }

  #extendEvery(leaseMs: number): void {
    this.#leaseMs = leaseMs
    this.#timer?.cancel()
    this.#timer = this.#clock.every(leaseMs / 3, () => {
      for (const lease of this.#held) lease.delivery.extend()
    })
  }
}
