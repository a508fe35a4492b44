import { createInbox, type Msg, type NatsConnection } from '@nats-io/nats-core'

/** One wildcard subscription for all the answers this process waits for: an answer costs a map entry, not a subscription. */
export class ReplyInbox {
  readonly #prefix = createInbox()
  readonly #waiting = new Map<string, (answer: Msg) => void>()
  #nats: NatsConnection | undefined
  #next = 0

  /** Listens on a connection; on one it listens to already this does nothing, for subscriptions outlive interruptions. */
  attach(nats: NatsConnection): void {
    if (nats === this.#nats) return
    this.#nats = nats
    nats.subscribe(`${this.#prefix}.*`, {
      callback: (error, message) => {
        if (error !== null) {
          this.#nats = undefined
          return
        }
        this.#waiting.get(message.subject)?.(message)
      },
    })
  }

  /** False: permissions forbid hearing answers, or there has been no connection yet. */
  get hears(): boolean {
    return this.#nats !== undefined
  }

  /** A reply subject; `hear` gets every answer on it until `close`. */
  open(hear: (answer: Msg) => void): string {
    this.#next += 1
    const subject = `${this.#prefix}.${this.#next.toString(36)}`
    this.#waiting.set(subject, hear)
    return subject
  }

  close(subject: string): void {
    this.#waiting.delete(subject)
  }
}

/** The server's word that nobody listens to the subject. */
export function isNoResponders(answer: Msg): boolean {
  return answer.data.byteLength === 0 && answer.headers?.code === 503
}
