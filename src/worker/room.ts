import type { Delivery } from '../bus/bus.ts'
import type { RetryRoom } from './retry-room.ts'
import type { Slots } from './slots.ts'

interface Options {
  readonly slots: Slots
  readonly retryRoom: RetryRoom
  /** The most jobs that may wait where the bus pushes, for a slot or for a retry. */
  readonly queueSize: number
  /** How many deliveries may be held where the bus is pulled. */
  readonly window: () => number | undefined
}

/** Whether one more job may wait here. */
export class Room {
  readonly #options: Options
  #closed = false

  constructor(options: Options) {
    this.#options = options
  }

  get waiting(): number {
    return this.#options.slots.waiting + this.#options.retryRoom.waiting
  }

  /** From 0 to 1. */
  get fill(): number {
    return this.waiting / (this.#options.window() ?? this.#options.queueSize)
  }

  /** Nobody is let in (closed) until it is opened again; what is pulled is bounded by its window and comes in all the same. */
  setClosed(closed: boolean): void {
    this.#closed = closed
  }

  /** A tenant below its equal share of a full queue is let in: another tenant's newest job makes room for it. */
  admits(delivery: Delivery, tenantId: string): boolean {
    if (delivery.sequence !== undefined) return true
    if (this.#closed) return false
    const { slots, queueSize } = this.#options
    return this.waiting < queueSize || slots.makeRoom(tenantId, queueSize)
  }
}
