import type { Msg } from '@nats-io/nats-core'
import type { Delivery, DeliveryHistory, MessageHeaders } from '../bus/bus.ts'
import type { Logger } from '../observe/logger.ts'
import type { Asker } from './asker.ts'
import type { GiveBackRecords } from './give-back-records.ts'
import { readHeaders } from './headers.ts'

const text = new TextEncoder()
const ackBody = text.encode('+ACK')
const progressBody = text.encode('+WPI')
const nakBody = text.encode('-NAK')

/** How long a message that was offered for want of room stays away, in milliseconds, so that it does not bounce. */
const reofferDelayMs = 1_000

/** Where a delivery belongs. */
export interface DeliveryOrigin {
  /** Tells this stream from one of the same name that was made later. */
  readonly identity: string
  readonly leaseMs: number
  readonly records: GiveBackRecords
  readonly asker: Asker
  readonly log: Logger
  /** It is not held any longer. */
  released(streamSequence: number): void
}

/** What a stored message says of itself in its reply subject. */
interface Stamp {
  readonly deliveries: number
  readonly streamSequence: number
}

/** Reads `$JS.ACK.…`, in the form with and without domain and account; undefined when it is neither. */
export function readStamp(reply: string): Stamp | undefined {
  const tokens = reply.split('.')
  if (tokens[0] !== '$JS' || tokens[1] !== 'ACK' || tokens.length < 9) return undefined
  const at = tokens.length === 9 ? 4 : 6
  const deliveries = Number(tokens[at])
  const streamSequence = Number(tokens[at + 1])
  return Number.isSafeInteger(deliveries) && Number.isSafeInteger(streamSequence)
    ? { deliveries, streamSequence }
    : undefined
}

/** A message of a stream, leased to this process. */
export class JetStreamDelivery implements Delivery {
  readonly subject: string
  readonly body: Uint8Array
  readonly deliveries: number
  readonly sequence: string
  readonly alreadyAccepted = false
  readonly #message: Msg
  readonly #reply: string
  readonly #streamSequence: number
  readonly #origin: DeliveryOrigin
  #headers: MessageHeaders | undefined
  #history: DeliveryHistory | undefined

  constructor(message: Msg, stamp: Stamp, origin: DeliveryOrigin) {
    this.#message = message
    this.#reply = message.reply ?? ''
    this.#streamSequence = stamp.streamSequence
    this.#origin = origin
    this.subject = message.subject
    this.body = message.data
    this.deliveries = stamp.deliveries
    this.sequence = `${origin.identity}:${stamp.streamSequence}`
  }

  get headers(): MessageHeaders {
    this.#headers ??= readHeaders(this.#message)
    return this.#headers
  }

  get leaseMs(): number {
    return this.#origin.leaseMs
  }

  extend(): void {
    this.#origin.asker.tell(this.#reply, progressBody)
  }

  async ack(): Promise<void> {
    const { asker, records, log } = this.#origin
    this.#release()
    const answer = await asker.ask(this.#reply, ackBody)
    if (answer === 'unanswered') log.warn('An ack was not confirmed; the job may be delivered again')
    // The record would go by itself in time; nothing depends on it any longer.
    if ((this.#history?.giveBacks ?? 0) > 0) await records.remove(this.#streamSequence).catch(() => undefined)
  }

  async giveBack(options: { readonly delayMs?: number; readonly attempts?: number } = {}): Promise<boolean> {
    const { asker } = this.#origin
    if (asker.ended) return this.#kept()
    if (!asker.live && !asker.leaving) return false
    if (asker.live) await this.#inTime(this.#writeDown(options.attempts))
    const body =
      options.delayMs === undefined
        ? nakBody
        : text.encode(`-NAK ${JSON.stringify({ delay: Math.ceil(options.delayMs) * 1_000_000 })}`)
    // Not twice: when the first was heard, somebody else has the message by now, and would have it taken away.
    const answer = await asker.ask(this.#reply, body, { once: true })
    if (answer === 'gone') return this.#kept()
    this.#release()
    return true
  }

  reoffer(): Promise<boolean> {
    return this.giveBack({ delayMs: reofferDelayMs })
  }

  async history(): Promise<DeliveryHistory> {
    this.#history ??=
      this.deliveries > 1 ? await this.#origin.records.read(this.#streamSequence) : { giveBacks: 0, attempts: 0 }
    return this.#history
  }

  /** Before the nak: whoever gets the message next reads it at once. Without the record the give-back counts as a strike. */
  async #writeDown(attempts: number | undefined): Promise<void> {
    try {
      const before = await this.history()
      const after = { giveBacks: before.giveBacks + 1, attempts: Math.max(before.attempts, attempts ?? 0) }
      await this.#origin.records.write(this.#streamSequence, after)
      this.#history = after
    } catch (error) {
      this.#origin.log.warn('A give-back could not be recorded; it will count as a failed delivery', { error })
    }
  }

  /** The process that is about to end does not wait for what was lost with the connection. */
  async #inTime(work: Promise<void>): Promise<void> {
    const { asker } = this.#origin
    await (asker.leaving ? Promise.race([work, asker.lost]) : work)
  }

  #kept(): false {
    this.#release()
    return false
  }

  #release(): void {
    this.#origin.released(this.#streamSequence)
  }
}
