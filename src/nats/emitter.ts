import type { Message } from '../bus/bus.ts'
import { messageSize } from '../bus/message-size.ts'
import type { Logger } from '../observe/logger.ts'
import type { Connection } from './connection.ts'
import type { GroupFlush } from './group-flush.ts'
import { writeHeaders } from './headers.ts'
import type { Outbox } from './outbox.ts'

/** What is kept for the next connection: an hour of heartbeats, or the acks of some ten thousand jobs. */
const maxKept = 20_000
const maxKeptBytes = 16 * 1024 * 1024

interface EmitterParts {
  readonly connection: Connection
  readonly outbox: Outbox
  readonly flush: GroupFlush
  readonly log: Logger
}

interface Kept {
  readonly message: Message
  readonly size: number
}

/** Sends without waiting, and keeps a message until a flush has confirmed it, so that a lost connection loses none. */
export class Emitter {
  readonly #parts: EmitterParts
  readonly #kept: Kept[] = []
  #bytes = 0
  /** How many messages have left the front of `#kept`, ever. */
  #gone = 0
  #lost = 0
  #confirming = false

  constructor(parts: EmitterParts) {
    this.#parts = parts
    parts.connection.onUp(() => this.#sendAgain())
  }

  emit(message: Message): void {
    const size = messageSize(message)
    const { connection, log } = this.#parts
    if (size > connection.maxPayload) {
      log.warn('A message larger than the server takes was not sent', { context: { subject: message.subject, size } })
      return
    }
    this.#kept.push({ message, size })
    this.#bytes += size
    this.#bound()
    if (!connection.connected) return
    this.#send(message)
    this.#confirm()
  }

  #bound(): void {
    while (this.#kept.length > maxKept || this.#bytes > maxKeptBytes) {
      this.#forget(1)
      // Over a live connection it has been sent, and only cannot be sent again.
      if (this.#parts.connection.connected) continue
      if (this.#lost === 0) this.#parts.log.warn('Messages without confirmation are dropped until NATS is back')
      this.#lost += 1
    }
  }

  #forget(count: number): void {
    for (const { size } of this.#kept.splice(0, count)) this.#bytes -= size
    this.#gone += count
  }

  #send({ subject, body, headers: given }: Message): void {
    const headers = writeHeaders(given)
    this.#parts.outbox.post({
      subject,
      body,
      options: headers === undefined ? {} : { headers },
      failed: (error) => this.#parts.log.warn('A message could not be sent', { error, context: { subject } }),
    })
  }

  /** Forgets what a flush has confirmed, one flush after the other for as long as there is something to confirm. */
  #confirm(): void {
    const { connection, flush } = this.#parts
    if (this.#confirming || this.#kept.length === 0 || !connection.connected) return
    this.#confirming = true
    const upTo = this.#gone + this.#kept.length
    flush.after((arrived) => {
      this.#confirming = false
      if (!arrived) return
      this.#forget(Math.max(0, upTo - this.#gone))
      this.#confirm()
    })
  }

  #sendAgain(): void {
    if (this.#lost > 0)
      this.#parts.log.warn('Messages without confirmation were lost', { context: { messages: this.#lost } })
    this.#lost = 0
    for (const { message } of this.#kept) this.#send(message)
    this.#confirm()
  }
}
