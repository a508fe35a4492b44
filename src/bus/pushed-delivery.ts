import { type Delivery, type DeliveryHistory, type Message, type MessageHeaders, PublishError } from './bus.ts'
import { everFewerHeaders, historyIn, hopHeaders, wasAccepted } from './relay.ts'

/** A delivery of a bus that stores nothing: it is held by nobody but this process, and passed on by publishing it again. */
export class PushedDelivery implements Delivery {
  readonly sequence = undefined
  readonly deliveries = 1
  readonly leaseMs = undefined
  readonly subject: string
  readonly body: Uint8Array
  readonly headers: MessageHeaders
  readonly #publish: (message: Message) => Promise<void>

  /** `publish` rejects with a PublishError when nobody takes the message. */
  constructor(message: Message, publish: (message: Message) => Promise<void>) {
    this.subject = message.subject
    this.body = message.body
    this.headers = message.headers ?? {}
    this.#publish = publish
  }

  get alreadyAccepted(): boolean {
    return wasAccepted(this.headers)
  }

  extend(): void {}

  async ack(): Promise<void> {}

  /** Nothing here can be postponed: what is to wait, waits with its holder. */
  async giveBack(options: Parameters<Delivery['giveBack']>[0] = {}): Promise<boolean> {
    return options.delayMs === undefined && (await this.#passOn(everFewerHeaders(this.headers, options)))
  }

  /** Only with its hops counted, or it could go round for ever: without room for them it stays here. */
  async reoffer(options: { readonly accepted: boolean }): Promise<boolean> {
    const headers = hopHeaders(this.headers, options)
    return headers !== undefined && (await this.#passOn([headers]))
  }

  async history(): Promise<DeliveryHistory> {
    return historyIn(this.headers)
  }

  /** With the first of these headers that the message has room for. */
  async #passOn([headers, ...fewer]: readonly MessageHeaders[]): Promise<boolean> {
    if (headers === undefined) return false
    try {
      await this.#publish({ subject: this.subject, body: this.body, headers })
      return true
    } catch (error) {
      if (!(error instanceof PublishError)) throw error
      return error.reason === 'too-large' && (await this.#passOn(fewer))
    }
  }
}
