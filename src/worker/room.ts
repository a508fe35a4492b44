import type { Delivery } from '../bus/bus.ts'
import type { RetryRoom } from './retry-room.ts'
import type { Slots } from './slots.ts'

interface Options {
  readonly slots: Slots
  readonly retryRoom: RetryRoom
  /** The most messages that may be held where the bus pushes, not counting the jobs that run. */
  readonly queueSize: number
  /** How many messages are held: waiting, running, and until what became of them has been reported. */
  readonly held: () => number
  /** How many deliveries may be held where the bus is pulled. */
  readonly window: () => number | undefined
}

/** Whether one more job may wait here. */
export class Room {
  readonly #options: Options

  constructor(options: Options) {
    this.#options = options
  }

  /** Jobs that wait, for a slot or for a retry. */
  get waiting(): number {
    return this.#options.slots.waiting + this.#options.retryRoom.waiting
  }

  /** From 0 to 1. */
  get fill(): number {
    return this.waiting / (this.#options.window() ?? this.#options.queueSize)
  }

  /**
   * A tenant below its equal share of a full queue is let in: another tenant's newest job makes room for it. What is
   * pulled is bounded by its window and comes in all the same.
   */
  admits(delivery: Delivery, tenantId: string): boolean {
    if (delivery.sequence !== undefined) return true
    const { slots, queueSize, held } = this.#options
    return held() - slots.running < queueSize || slots.makeRoom(tenantId, queueSize)
  }
}
