/** Reads the messages of a stream on some of its subjects, a bounded part of them at a time, without asking for each. */
import { AckPolicy, DeliverPolicy, type JetStreamManager } from '@nats-io/jetstream'
import { createInbox, type Msg, type NatsConnection, nanos } from '@nats-io/nats-core'
import type { Clock } from '../lib/clock.ts'
import { readStamp } from './jetstream-delivery.ts'

/** Most messages of a part; and, when one more is not larger than that, their bytes. */
const mostMessages = 256
const mostBytes = 4_000_000
/** How many sequences the first part spans, going backwards. */
const firstSpan = 64
/** Silence that is taken for no answer, in milliseconds. */
const silenceMs = 5_000
/** How long the server keeps a consumer that nobody asks any more, in milliseconds. */
const consumerKeptMs = 2_000

/** A message as it lies in a stream. */
export interface StoredMessage {
  readonly sequence: number
  readonly subject: string
  readonly body: Uint8Array
}

/** What is read. */
export interface Reading {
  readonly nats: NatsConnection
  readonly manager: JetStreamManager
  readonly clock: Clock
  readonly stream: string
  /** The subjects, with wildcards; without it all. */
  readonly filter?: string
  readonly signal: AbortSignal
}

/** The messages from a sequence on, oldest first, to the last there is. */
export async function* forwards(reading: Reading, from: number): AsyncGenerator<readonly StoredMessage[], void> {
  const cursor = await Cursor.open(reading, from)
  while (cursor.mayHaveMore) {
    const part = await cursor.next(mostMessages)
    if (part.length === 0) return
    yield part
  }
}

/** The messages from `last` down to `first`, newest first. */
export async function* backwards(
  reading: Reading,
  first: number,
  last: number,
): AsyncGenerator<readonly StoredMessage[], void> {
  let span = firstSpan
  let high = last
  while (high >= Math.max(first, 1)) {
    const low = Math.max(first, 1, high - span + 1)
    const cursor = await Cursor.open(reading, low)
    const part = cursor.mayHaveMore ? await cursor.next(Math.min(mostMessages, high - low + 1)) : []
    const reached = cursor.mayHaveMore ? (part.at(-1)?.sequence ?? high) : high
    if (reached < high) {
      // There is more in the span than a part may hold, and the newest of it has not come: ask for less.
      span = Math.max(1, Math.min(high - reached, Math.ceil((high - low + 1) / 2)))
      continue
    }
    const wanted = part.filter(({ sequence }) => sequence <= high)
    if (wanted.length > 0) yield wanted.toReversed()
    high = low - 1
    if (wanted.length <= mostMessages / 2) span *= 2
  }
}

/** A place in a stream, moved on by pulling. */
class Cursor {
  readonly #reading: Reading
  readonly #consumer: string
  #left: number

  private constructor(reading: Reading, consumer: string, left: number) {
    this.#reading = reading
    this.#consumer = consumer
    this.#left = left
  }

  /** At the first message of that sequence or a later one. */
  static async open(reading: Reading, sequence: number): Promise<Cursor> {
    const { manager, stream, filter, signal } = reading
    signal.throwIfAborted()
    const { name, num_pending: left } = await manager.consumers.add(stream, {
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: sequence,
      ...(filter === undefined ? {} : { filter_subject: filter }),
      ack_policy: AckPolicy.None,
      mem_storage: true,
      num_replicas: 1,
      inactive_threshold: nanos(consumerKeptMs),
    })
    return new Cursor(reading, name, left)
  }

  get mayHaveMore(): boolean {
    return this.#left > 0
  }

  /** At most so many messages, and fewer when they are large. */
  next(most: number): Promise<readonly StoredMessage[]> {
    const { nats, stream, clock, signal } = this.#reading
    const batch = Math.min(most, this.#left)
    return new Promise((resolve, reject) => {
      const inbox = createInbox()
      const part: StoredMessage[] = []
      const end = (failure?: { readonly reason: unknown }): void => {
        subscription.unsubscribe()
        watch.cancel()
        signal.removeEventListener('abort', abort)
        if (failure === undefined) resolve(part)
        // An abort's reason may be anything, and is handed on as it is.
        // oxlint-disable-next-line prefer-promise-reject-errors
        else reject(failure.reason)
      }
      const abort = (): void => end({ reason: signal.reason })
      let heardAt = clock.monotonic()
      const subscription = nats.subscribe(inbox, {
        callback: (error, message) => {
          heardAt = clock.monotonic()
          if (error !== null) return end({ reason: error })
          if (message.subject === inbox) return end(this.#ending(message))
          part.push(stored(message))
          this.#left -= 1
          if (part.length === batch) end()
        },
      })
      const watch = clock.every(silenceMs / 5, () => {
        if (clock.monotonic() - heardAt > silenceMs) end({ reason: new Error('JetStream does not answer') })
      })
      if (signal.aborted) return abort()
      signal.addEventListener('abort', abort, { once: true })
      nats.publish(
        `$JS.API.CONSUMER.MSG.NEXT.${stream}.${this.#consumer}`,
        JSON.stringify({ batch, no_wait: true, max_bytes: mostBytes + (nats.info?.max_payload ?? 0) }),
        { reply: inbox },
      )
    })
  }

  /** Why a pull has ended early; undefined when that is no failure. */
  #ending({ headers }: Msg): { readonly reason: Error } | undefined {
    const words = headers?.description ?? 'no reason given'
    if (headers?.code === 409 && /max ?bytes/i.test(words)) return undefined
    if (headers?.code !== 404 && headers?.code !== 408) return { reason: new Error(`reading ended: ${words}`) }
    // What was there in the beginning has been removed meanwhile.
    this.#left = 0
    return undefined
  }
}

function stored(message: Msg): StoredMessage {
  const sequence = readStamp(message.reply ?? '')?.streamSequence ?? Number.NaN
  return { sequence, subject: message.subject, body: message.data }
}
