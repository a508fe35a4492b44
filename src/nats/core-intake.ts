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
  /** Starts paused. */
  readonly paused: boolean
}

/** Taking assignments where nothing stores them. The subscription outlives interruptions of the connection. */
export class CoreIntake {
  readonly #parts: IntakeParts
  readonly #nats: NatsConnection
  /** Undefined while paused. */
  #subscription: Subscription | undefined
  /** Hears what was on its way when a pause began. */
  #leaving: Promise<void> = Promise.resolve()

  constructor(nats: NatsConnection, parts: IntakeParts) {
    this.#parts = parts
    this.#nats = nats
    if (!parts.paused) this.resume()
  }

  /** Whether it listens on this connection, or would if it were not paused. */
  isOn(nats: NatsConnection): boolean {
    return this.#nats === nats && this.#subscription?.isClosed() !== true
  }

  /** Leaves the group, so that the others get the messages. */
  pause(): void {
    const subscription = this.#subscription
    if (subscription === undefined) return
    this.#subscription = undefined
    this.#leaving = Promise.all([this.#leaving, this.#end(subscription)]).then(() => undefined)
  }

  resume(): void {
    if (this.#subscription !== undefined || this.#nats.isClosed()) return
    const { subject, onRefused } = this.#parts
    this.#subscription = this.#nats.subscribe(subject, {
      queue: queueGroup,
      callback: (error, message) => {
        if (error === null) this.#receive(message)
        else onRefused()
      },
    })
  }

  /** Nothing more comes afterwards. */
  async stop(): Promise<void> {
    this.pause()
    await this.#leaving
  }

  #end(subscription: Subscription): Promise<void> {
    return endSubscription(subscription, this.#parts.isConnected())
  }

  #receive(message: Msg): void {
    const { subject, data: body } = message
    this.#parts.deliver(new PushedDelivery({ subject, body, headers: readHeaders(message) }, this.#parts.publish))
  }
}
