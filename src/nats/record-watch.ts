import { AckPolicy, DeliverPolicy } from '@nats-io/jetstream'
import { createInbox, type Msg, type NatsConnection, nanos, type Subscription } from '@nats-io/nats-core'
import type { Clock, Timer } from '../lib/clock.ts'
import { openManager } from './jetstream-api.ts'
import type { RecordIndex } from './record-index.ts'
import { stateStream } from './state-bucket.ts'
import { readNews, recordSubjects } from './state-records.ts'

/** How often the server says that there is nothing new, in milliseconds. */
const heartbeatMs = 2_000
/** So many times in a row nothing was heard at all, not even that. */
const silentHeartbeats = 3
const heartbeatCode = 100

interface WatchParts {
  readonly nats: NatsConnection
  readonly index: RecordIndex
  readonly clock: Clock
  /** The index has all that there was at the beginning, and is kept up to date. */
  readonly onLoaded: () => void
  /** Something was missed, or the bucket has gone: the index is not to be trusted any longer. Called once. */
  readonly onLost: (reason: string) => void
}

/** Follows a bucket over one connection: which records there are and when they are due, without their values. */
export class RecordWatch implements Disposable {
  readonly #parts: WatchParts
  readonly #inbox: string
  readonly #subscription: Subscription
  readonly #timer: Timer
  #delivered = 0
  #heardAt: number
  #loaded = false
  #over = false

  private constructor(parts: WatchParts) {
    const { nats, clock } = parts
    this.#parts = parts
    this.#inbox = createInbox()
    this.#heardAt = clock.monotonic()
    this.#subscription = nats.subscribe(this.#inbox, {
      callback: (error, message) => {
        if (error === null) this.#hear(message)
        else this.#lose(error.message)
      },
    })
    this.#timer = clock.every(heartbeatMs, () => {
      if (clock.monotonic() - this.#heardAt > silentHeartbeats * heartbeatMs) this.#lose('the bucket is silent')
    })
  }

  /** Rejects when the server does not let it. */
  static async open(parts: WatchParts): Promise<RecordWatch> {
    const watch = new RecordWatch(parts)
    try {
      const manager = await openManager(parts.nats)
      const consumer = await manager.consumers.add(stateStream, {
        deliver_subject: watch.#inbox,
        deliver_policy: DeliverPolicy.LastPerSubject,
        filter_subject: recordSubjects,
        ack_policy: AckPolicy.None,
        headers_only: true,
        idle_heartbeat: nanos(heartbeatMs),
        mem_storage: true,
        num_replicas: 1,
      })
      if (consumer.num_pending === 0) watch.#load()
      return watch
    } catch (error) {
      watch[Symbol.dispose]()
      throw error
    }
  }

  /** The server forgets the consumer when nobody listens any more. */
  [Symbol.dispose](): void {
    this.#over = true
    this.#timer.cancel()
    this.#subscription.unsubscribe()
  }

  #hear(message: Msg): void {
    if (this.#over) return
    this.#heardAt = this.#parts.clock.monotonic()
    if (message.subject === this.#inbox) return this.#hearStatus(message)
    const { deliverySequence, streamSequence, pending } = readPlace(message.reply ?? '')
    if (deliverySequence !== this.#delivered + 1) return this.#lose('news of the bucket were missed')
    this.#delivered = deliverySequence
    const { index } = this.#parts
    const { key, isRemoved, dueAt } = readNews(message.subject, message.headers)
    if (isRemoved) index.removed(key, streamSequence)
    else index.stored(key, streamSequence, dueAt)
    index.told(streamSequence)
    if (pending === 0) this.#load()
  }

  #hearStatus({ headers }: Msg): void {
    if (headers?.code !== heartbeatCode)
      return this.#lose(headers?.description ?? 'the bucket is not followed any more')
    if (Number(headers.get('Nats-Last-Consumer')) > this.#delivered) return this.#lose('news of the bucket were missed')
    this.#parts.index.told(Number(headers.get('Nats-Last-Stream')))
    // What was announced as pending may have been removed before it was sent; the server has nothing more to say now.
    this.#load()
  }

  #load(): void {
    if (this.#loaded || this.#over) return
    this.#loaded = true
    this.#parts.onLoaded()
  }

  #lose(reason: string): void {
    if (this.#over) return
    this[Symbol.dispose]()
    this.#parts.onLost(reason)
  }
}

interface Place {
  /** Which of the messages that were sent to us it is, from 1. */
  readonly deliverySequence: number
  readonly streamSequence: number
  /** How many there are still to come. */
  readonly pending: number
}

/** Reads `$JS.ACK.…`, in the form with and without domain and account. */
function readPlace(reply: string): Place {
  const tokens = reply.split('.')
  const [streamSequence, deliverySequence, , pending] = tokens.slice(tokens.length === 9 ? 5 : 7).map(Number)
  return {
    deliverySequence: deliverySequence ?? Number.NaN,
    streamSequence: streamSequence ?? Number.NaN,
    pending: pending ?? Number.NaN,
  }
}
