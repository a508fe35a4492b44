import type { Msg, NatsConnection, Subscription } from '@nats-io/nats-core'
import type { Delivery, Message } from '../bus/bus.ts'
import { PushedDelivery } from '../bus/pushed-delivery.ts'
import { endSubscription } from './end-subscription.ts'
import { readHeaders } from './headers.ts'

/** The queue group in which each assignment goes to one worker. */
const queueGroup = 'caf-workers'

interface IntakeParts {
  readonly subject: string
  readonly deliver: (delivery: Delivery) => void
  readonly publish: (message: Message) => Promise<void>
  /** The subscription has ended: permissions forbid it. */
  readonly onRefused: () => void
  readonly isConnected: () => boolean
}

/** Taking assignments where nothing stores them. The subscription outlives interruptions of the connection. */
export class CoreIntake {
  readonly #parts: IntakeParts
  readonly #nats: NatsConnection
  readonly #subscription: Subscription

  constructor(nats: NatsConnection, parts: IntakeParts) {
    this.#parts = parts
    this.#nats = nats
    this.#subscription = nats.subscribe(parts.subject, {
      queue: queueGroup,
      callback: (error, message) => {
        if (error === null) this.#receive(message)
        else parts.onRefused()
      },
    })
  }

  /** Whether it listens on this connection. */
  isOn(nats: NatsConnection): boolean {
    return this.#nats === nats && !this.#subscription.isClosed()
  }

  /** Nothing more comes afterwards. */
  async stop(): Promise<void> {
    await endSubscription(this.#subscription, this.#parts.isConnected())
  }

  #receive(message: Msg): void {
    const { subject, data: body } = message
    this.#parts.deliver(new PushedDelivery({ subject, body, headers: readHeaders(message) }, this.#parts.publish))
  }
}
