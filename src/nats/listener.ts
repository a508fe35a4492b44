import type { Msg, NatsConnection, Subscription as NatsSubscription } from '@nats-io/nats-core'
import type { Received, Subscription } from '../bus/bus.ts'
import type { Connection } from './connection.ts'
import { endSubscription } from './end-subscription.ts'
import { readHeaders } from './headers.ts'

/** A plain subscription that is there whenever the connection is. One that permissions forbid is asked for again on reconnecting. */
export class Listener implements Subscription {
  readonly #connection: Connection
  readonly #subject: string
  readonly #hear: (message: Received) => void
  #nats: NatsConnection | undefined
  #subscription: NatsSubscription | undefined
  #stopped = false

  constructor(connection: Connection, subject: string, hear: (message: Received) => void) {
    this.#connection = connection
    this.#subject = subject
    this.#hear = hear
    connection.onUp((nats) => this.#attach(nats))
    if (connection.nats !== undefined) this.#attach(connection.nats)
  }

  async stop(): Promise<void> {
    this.#stopped = true
    if (this.#subscription !== undefined) await endSubscription(this.#subscription, this.#connection.connected)
  }

  #attach(nats: NatsConnection): void {
    if (this.#stopped || (nats === this.#nats && this.#subscription?.isClosed() === false)) return
    this.#nats = nats
    this.#subscription = nats.subscribe(this.#subject, {
      callback: (error, message) => {
        if (error === null) this.#hear(received(message, nats))
      },
    })
  }
}

function received(message: Msg, nats: NatsConnection): Received {
  return {
    subject: message.subject,
    body: message.data,
    headers: readHeaders(message),
    respond(body) {
      const { reply } = message
      if (reply !== undefined && reply !== '' && !nats.isClosed()) nats.publish(reply, body)
    },
  }
}
