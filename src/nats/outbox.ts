import type { NatsConnection, PublishOptions } from '@nats-io/nats-core'
import type { Clock } from '../lib/clock.ts'

/** One message on its way. */
interface Outgoing {
  readonly subject: string
  readonly body: Uint8Array
  readonly options: PublishOptions
  /** The client cannot send it. */
  readonly failed: (cause: unknown) => void
}

/**
 * Gathers what is sent in one turn of the event loop, so that it leaves in one write: the client writes once for each
 * microtask, and the jobs of a turn reach their ends in many. What has not left when the connection is lost is dropped
 * here; whoever posted it knows that it was not confirmed.
 */
export class Outbox {
  readonly #nats: () => NatsConnection | undefined
  readonly #clock: Clock
  #waiting: Outgoing[] = []

  /** `nats` gives the live connection, undefined while there is none. */
  constructor(nats: () => NatsConnection | undefined, clock: Clock) {
    this.#nats = nats
    this.#clock = clock
  }

  post(outgoing: Outgoing): void {
    if (this.#waiting.push(outgoing) === 1) this.#clock.soon(() => this.flush())
  }

  /** Sends what has gathered, now. */
  flush(): void {
    const nats = this.#nats()
    const gathered = this.#waiting
    this.#waiting = []
    if (nats === undefined) return
    for (const { subject, body, options, failed } of gathered) {
      try {
        nats.publish(subject, body, options)
      } catch (cause) {
        failed(cause)
      }
    }
  }

  /** Forgets what has gathered: the connection that it was meant for is lost. */
  clear(): void {
    this.#waiting = []
  }
}
