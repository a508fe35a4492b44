/** Publishing that knows what arrived. What is not confirmed when the connection is lost is sent again on the next. */
import type { Msg, MsgHdrs } from '@nats-io/nats-core'
import { type Message, PublishError } from '../bus/bus.ts'
import { messageSize } from '../bus/message-size.ts'
import type { Clock } from '../lib/clock.ts'
import type { Captures } from './captures.ts'
import type { Connection, Refusal } from './connection.ts'
import type { GroupFlush } from './group-flush.ts'
import { writeHeaders } from './headers.ts'
import type { Outbox } from './outbox.ts'
import type { Prohibitions } from './prohibitions.ts'
import { readPubAck } from './pub-ack.ts'
import { isNoResponders, type ReplyInbox } from './reply-inbox.ts'
import { SharedSignals } from './shared-signals.ts'
import { Sweep } from './sweep.ts'

/** A PubAck that has not come by then, in milliseconds, is missing. */
const pubAckLimitMs = 5_000

interface PublisherParts {
  readonly connection: Connection
  readonly inbox: ReplyInbox
  readonly outbox: Outbox
  readonly flush: GroupFlush
  readonly captures: Captures
  readonly prohibitions: Prohibitions
  readonly clock: Clock
}

interface Pending {
  readonly message: Message
  readonly headers: MsgHdrs | undefined
  readonly reply: string
  /** Which sending this is, from 1; what belongs to an earlier one is void. 0: not sent yet. */
  sending: number
  /** Whether a PubAck is awaited, and not only the flush. */
  captured: boolean
  /** When the PubAck is missing, on the monotonic clock. */
  overdueAt: number
  settle(error?: unknown): void
}

/** Publishes on one connection. */
export class Publisher {
  readonly #parts: PublisherParts
  readonly #pending = new Map<string, Pending>()
  readonly #waits = new SharedSignals<Pending>((pending, reason) => pending.settle(reason))
  readonly #sweep: Sweep
  #closed = false

  constructor(parts: PublisherParts) {
    this.#parts = parts
    this.#sweep = new Sweep(parts.clock, () => this.#findMissing())
    parts.connection.onUp(() => {
      parts.captures.forget()
      for (const pending of this.#pending.values()) this.#dispatch(pending)
    })
    parts.connection.onRefused((refusal) => this.#refuse(refusal))
  }

  /** As Bus.publish. */
  publish(message: Message, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) return reject(signal.reason)
      if (this.#closed) return reject(new PublishError('closed', 'The bus is closed'))
      if (messageSize(message) > this.#parts.connection.maxPayload)
        return reject(new PublishError('too-large', 'The message is larger than the server takes'))
      const pending: Pending = {
        message,
        headers: writeHeaders(message.headers),
        reply: this.#parts.inbox.open((answer) => this.#hear(pending, answer)),
        sending: 0,
        captured: false,
        overdueAt: Number.POSITIVE_INFINITY,
        settle: (error) => {
          if (!this.#pending.delete(pending.reply)) return
          this.#parts.inbox.close(pending.reply)
          this.#waits.leave(pending, signal)
          if (error === undefined) {
            this.#parts.prohibitions.arrived(message.subject)
            resolve()
          }
          // An abort's reason may be anything, and is handed on as it is.
          // oxlint-disable-next-line prefer-promise-reject-errors
          else reject(error)
        },
      }
      this.#pending.set(pending.reply, pending)
      this.#waits.enter(pending, signal)
      this.#dispatch(pending)
    })
  }

  /** Nothing more is published; what is pending rejects with `closed`. */
  close(): void {
    this.#closed = true
    this.#sweep.stop()
    for (const pending of this.#pending.values()) pending.settle(new PublishError('closed', 'The bus is closed'))
  }

  /** Sends it when there is a connection and it is known who confirms; else as soon as that is so. */
  #dispatch(pending: Pending): void {
    pending.sending += 1
    pending.overdueAt = Number.POSITIVE_INFINITY
    const { connection, captures } = this.#parts
    const nats = connection.nats
    if (nats === undefined) return
    const captured = captures.known(pending.message.subject)
    if (captured !== undefined) return this.#send(pending, captured)
    const sending = pending.sending
    captures.ask(pending.message.subject).then(
      (answer) => {
        if (this.#isCurrent(pending, sending) && connection.nats === nats) this.#send(pending, answer)
      },
      (cause: unknown) => {
        if (this.#isCurrent(pending, sending) && connection.nats === nats)
          pending.settle(new PublishError('unconfirmed', 'It is not known who would confirm the message', { cause }))
      },
    )
  }

  #send(pending: Pending, captured: boolean): void {
    const { message, headers, reply, sending } = pending
    if (!this.#parts.inbox.hears)
      return pending.settle(new PublishError('unconfirmed', 'Permissions forbid hearing whether the message arrived'))
    pending.captured = captured
    this.#parts.outbox.post({
      subject: message.subject,
      body: message.body,
      options: headers === undefined ? { reply } : { reply, headers },
      failed: (cause) => pending.settle(new PublishError('refused', 'The message cannot be sent', { cause })),
    })
    if (captured) {
      pending.overdueAt = this.#parts.clock.monotonic() + pubAckLimitMs
      this.#sweep.start()
      return
    }
    this.#parts.flush.after((arrived) => {
      if (arrived && this.#isCurrent(pending, sending)) pending.settle()
    })
  }

  #hear(pending: Pending, answer: Msg): void {
    const { subject } = pending.message
    if (isNoResponders(answer)) {
      this.#parts.captures.forgetUnheard(subject)
      return pending.settle(
        new PublishError('no-responders', 'Nobody listens to the subject and no stream captures it'),
      )
    }
    const ack = readPubAck(answer, pending.captured)
    if (ack === undefined) return
    this.#parts.captures.learn(subject, true)
    pending.settle(
      ack.error === undefined ? undefined : new PublishError('refused', `The stream refused it: ${ack.error}`),
    )
  }

  #refuse(refusal: Refusal): void {
    if (refusal.operation !== 'publish') return
    for (const pending of this.#pending.values()) {
      if (pending.sending > 0 && pending.message.subject === refusal.subject)
        pending.settle(new PublishError('refused', 'Permissions forbid publishing to the subject'))
    }
  }

  #findMissing(): boolean {
    if (!this.#parts.connection.connected) return this.#pending.size > 0
    const now = this.#parts.clock.monotonic()
    for (const pending of this.#pending.values()) {
      if (pending.overdueAt > now) continue
      pending.overdueAt = Number.POSITIVE_INFINITY
      void this.#explainMissing(pending, pending.sending)
    }
    return this.#pending.size > 0
  }

  /** Without a stream the message was an ordinary one, and a flush tells whether it arrived; else it is not confirmed. */
  async #explainMissing(pending: Pending, sending: number): Promise<void> {
    const { captures, flush } = this.#parts
    const captured = await captures.ask(pending.message.subject).catch(() => true)
    if (!this.#isCurrent(pending, sending)) return
    if (captured) return pending.settle(new PublishError('unconfirmed', 'The acknowledgement of the stream is missing'))
    flush.after((arrived) => {
      if (arrived && this.#isCurrent(pending, sending)) pending.settle()
    })
  }

  #isCurrent(pending: Pending, sending: number): boolean {
    return pending.sending === sending && this.#pending.has(pending.reply)
  }
}
