import type { NatsConnection } from '@nats-io/nats-core'
import type { Clock } from '../lib/clock.ts'
import type { Outbox } from './outbox.ts'

/** The status events of the client are heard this many microtasks after they came, at most (measured: 5). */
const microtasksUntilHeard = 10

/**
 * Knows what has reached the server: one flush is under way at a time, and confirms everything that was sent before it
 * began. The first starts at once; what is sent meanwhile shares the next.
 */
export class GroupFlush {
  readonly #nats: () => NatsConnection | undefined
  readonly #outbox: Outbox
  readonly #clock: Clock
  #waiting: ((arrived: boolean) => void)[] = []
  #running = false

  /** `nats` gives the live connection, undefined while there is none. */
  constructor(nats: () => NatsConnection | undefined, outbox: Outbox, clock: Clock) {
    this.#nats = nats
    this.#outbox = outbox
    this.#clock = clock
  }

  /** Calls `settled` when everything sent so far has arrived (true), or when the connection was lost before that (false). */
  after(settled: (arrived: boolean) => void): void {
    this.#waiting.push(settled)
    if (this.#running) return
    this.#running = true
    // All that is sent in this turn of the loop goes out together.
    this.#clock.soon(() => void this.#run())
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      const group = this.#waiting
      this.#waiting = []
      const arrived = await this.#flush()
      for (const settled of group) settled(arrived)
    }
    this.#running = false
  }

  async #flush(): Promise<boolean> {
    const nats = this.#nats()
    if (nats === undefined) return false
    try {
      this.#outbox.flush()
      await nats.flush()
      // A refused publish comes before the PONG, but as a status event, which takes a few turns more to be heard.
      for (let turn = 0; turn < microtasksUntilHeard; turn += 1) await Promise.resolve()
      return true
    } catch {
      return false
    }
  }
}
