import type { NatsConnection } from '@nats-io/nats-core'
import type { Message } from '../bus/bus.ts'
import { messageSize } from '../bus/message-size.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../observe/logger.ts'
import type { Connection } from './connection.ts'
import type { GroupFlush } from './group-flush.ts'
import { writeHeaders } from './headers.ts'
import { Sweep } from './sweep.ts'

/** What is kept for the next connection: an hour of heartbeats, or the acks of some ten thousand jobs. */
const maxKept = 20_000
const maxKeptBytes = 16 * 1024 * 1024

interface EmitterParts {
  readonly connection: Connection
  readonly flush: GroupFlush
  readonly clock: Clock
  readonly log: Logger
}

interface Kept {
  readonly message: Message
  readonly size: number
}

/** Sends without waiting, and keeps a message until a flush has confirmed it, so that a lost connection loses none. */
export class Emitter {
  readonly #parts: EmitterParts
  readonly #sweep: Sweep
  #kept: Kept[] = []
  #bytes = 0
  #dropped = 0

  constructor(parts: EmitterParts) {
    this.#parts = parts
    this.#sweep = new Sweep(parts.clock, () => this.#confirm())
    parts.connection.onUp((nats) => this.#sendAgain(nats))
  }

  emit(message: Message): void {
    const size = messageSize(message)
    const { connection, log } = this.#parts
    if (size > connection.maxPayload) {
      log.warn('A message larger than the server takes was not sent', { context: { subject: message.subject, size } })
      return
    }
    this.#keep({ message, size })
    const { nats } = connection
    if (nats !== undefined) this.#send(nats, message)
    this.#sweep.start()
  }

  stop(): void {
    this.#sweep.stop()
  }

  #keep(kept: Kept): void {
    this.#kept.push(kept)
    this.#bytes += kept.size
    while (this.#kept.length > maxKept || this.#bytes > maxKeptBytes) {
      this.#bytes -= this.#kept.shift()?.size ?? 0
      if (this.#parts.connection.connected) continue
      if (this.#dropped === 0) this.#parts.log.warn('Messages without confirmation are dropped until NATS is back')
      this.#dropped += 1
    }
  }

  #send(nats: NatsConnection, message: Message): void {
    try {
      const headers = writeHeaders(message.headers)
      nats.publish(message.subject, message.body, headers === undefined ? {} : { headers })
    } catch (error) {
      this.#parts.log.warn('A message could not be sent', { error, context: { subject: message.subject } })
    }
  }

  /** Forgets what a flush has confirmed. False: nothing is kept. */
  #confirm(): boolean {
    if (this.#kept.length === 0) return false
    if (!this.#parts.connection.connected) return true
    const sent = new Set(this.#kept)
    this.#parts.flush.after((arrived) => {
      if (!arrived) return
      this.#kept = this.#kept.filter((kept) => !sent.has(kept))
      this.#bytes = this.#kept.reduce((sum, kept) => sum + kept.size, 0)
    })
    return true
  }

  #sendAgain(nats: NatsConnection): void {
    if (this.#dropped > 0)
      this.#parts.log.warn('Messages without confirmation were lost', { context: { messages: this.#dropped } })
    this.#dropped = 0
    for (const { message } of this.#kept) this.#send(nats, message)
  }
}
