/** Taking assignments from a stream: what is held, for how long, and whether the server still sends. */
import type { JetStreamManager } from '@nats-io/jetstream'
import { type Msg, millis, type NatsConnection } from '@nats-io/nats-core'
import type { Delivery } from '../bus/bus.ts'
import type { Clock, Timer } from '../lib/clock.ts'
import type { Logger } from '../observe/logger.ts'
import { Asker } from './asker.ts'
import type { Connection } from './connection.ts'
import { absence, openManager } from './jetstream-api.ts'
import { type DeliveryOrigin, JetStreamDelivery, readStamp } from './jetstream-delivery.ts'
import type { Found } from './provision.ts'
import { Pull } from './pull.ts'
import type { ReplyInbox } from './reply-inbox.ts'

/** How often the consumer is looked at, in milliseconds. */
const lookEveryMs = 10_000

/** What the consumer says of itself. */
export interface ConsumerState {
  readonly pending: number
  readonly ackPending: number
}

interface IntakeParts {
  readonly connection: Connection
  readonly inbox: ReplyInbox
  readonly window: number
  readonly deliver: (delivery: Delivery) => void
  /** The consumer or its stream seems to be gone: provision again. */
  readonly onLost: (reason: string) => void
  readonly clock: Clock
  readonly log: Logger
}

/** The intake from one stream, over interruptions of the connection and deletions of the consumer. */
export class JetStreamIntake {
  readonly identity: string
  readonly #parts: IntakeParts
  readonly #asker: Asker
  readonly #held = new Map<number, JetStreamDelivery>()
  #origin: DeliveryOrigin | undefined
  #found: Found
  #nats: NatsConnection | undefined
  #pull: Pull | undefined
  #paused = false
  #state: ConsumerState | undefined
  #timer: Timer | undefined
  #stalls = 0
  #receivedBefore = 0

  constructor(found: Found, parts: IntakeParts) {
    this.#found = found
    this.identity = found.identity
    this.#parts = parts
    this.#asker = new Asker({
      inbox: parts.inbox,
      clock: parts.clock,
      onNobody: () => parts.onLost('nobody answers for the consumer'),
    })
  }

  get state(): ConsumerState | undefined {
    return this.#state
  }

  /** Whether it pulls from this very consumer over this connection. */
  isOn(nats: NatsConnection, { consumer }: Found): boolean {
    return this.#pull !== undefined && this.#nats === nats && this.#found.consumer.created === consumer.created
  }

  /** Starts, or goes on after an interruption: the stream is known to be the same. */
  attach(nats: NatsConnection, found: Found): void {
    const { window, onLost, clock, log } = this.#parts
    this.#nats = nats
    this.#found = found
    this.#origin = this.#originOf(found)
    this.#note(found.consumer)
    this.#asker.resume(nats)
    // The leases ran on while nobody could extend them.
    for (const delivery of this.#held.values()) delivery.extend()
    const { max_batch: maxBatch, max_expires: maxExpires } = found.consumer.config
    this.#pull?.drop()
    const pull = new Pull({
      nats,
      stream: found.stream,
      consumer: found.consumer.name,
      maxBatch,
      maxExpiresMs: maxExpires === undefined ? undefined : millis(maxExpires),
      window,
      held: () => this.#held.size,
      onMessage: (message) => this.#receive(message),
      onLost,
      clock,
      log,
    })
    this.#pull = pull
    if (this.#paused) pull.pause()
    pull.start()
    this.#timer ??= clock.every(lookEveryMs, () => void this.#look())
  }

  /** The connection is lost, or the stream is not known to be there: nothing is asked of it until `attach`. */
  detach(): void {
    this.#pull?.drop()
    this.#pull = undefined
    this.#asker.suspend()
  }

  /** The stream is gone, and what is held of it exists nowhere else. */
  end(): void {
    this.detach()
    this.#timer?.cancel()
    this.#asker.end('gone')
  }

  pause(): void {
    this.#paused = true
    this.#pull?.pause()
  }

  resume(): void {
    this.#paused = false
    this.#pull?.resume()
  }

  /**
   * Nothing more comes afterwards, and what is given back goes to others. The look at the consumer makes servers before
   * 2.10 notice that our requests are gone; without it they keep the first message that is given back for them.
   */
  async stop(): Promise<void> {
    this.#timer?.cancel()
    this.#asker.leave()
    await this.#pull?.stop()
    this.#pull = undefined
    await Promise.race([this.#consumerInfo().catch(() => undefined), this.#asker.lost])
  }

  /** Ends what still waits for an answer. */
  close(): void {
    this.#timer?.cancel()
    this.#pull?.drop()
    this.#asker.end('unanswered')
  }

  #originOf(found: Found): DeliveryOrigin {
    const { backoff, ack_wait: ackWait } = found.consumer.config
    return {
      identity: found.identity,
      // The server lets the first backoff take the place of ack_wait.
      leaseMs: millis(backoff?.[0] ?? ackWait ?? 0),
      records: found.records,
      asker: this.#asker,
      log: this.#parts.log,
      released: (streamSequence) => {
        this.#held.delete(streamSequence)
        this.#pull?.refill()
      },
    }
  }

  #receive(message: Msg): void {
    const stamp = readStamp(message.reply ?? '')
    if (stamp === undefined || this.#origin === undefined) {
      this.#parts.log.warn('A message without a stamp of its stream was left alone', {
        context: { subject: message.subject },
      })
      return
    }
    const delivery = new JetStreamDelivery(message, stamp, this.#origin)
    this.#held.set(stamp.streamSequence, delivery)
    this.#parts.deliver(delivery)
  }

  async #consumerInfo(): Promise<Found['consumer'] | undefined> {
    const { nats } = this.#parts.connection
    if (nats === undefined) return undefined
    const manager: JetStreamManager = await openManager(nats)
    return manager.consumers.info(this.#found.stream, this.#found.consumer.name)
  }

  /** Notices messages that wait although they were asked for: pulls again, and then makes the connection anew. */
  async #look(): Promise<void> {
    const pull = this.#pull
    if (pull === undefined) return
    const received = pull.received
    const quiet = received === this.#receivedBefore
    this.#receivedBefore = received
    const consumer = await this.#consumerInfo().catch((error: unknown) => absence(error))
    if (consumer === undefined || consumer === 'not-known' || pull !== this.#pull) return
    if (typeof consumer === 'string') return this.#parts.onLost('the consumer is gone')
    if (consumer.created !== this.#found.consumer.created) return this.#parts.onLost('the consumer was made anew')
    this.#note(consumer)
    const stalled = quiet && pull.received === received && pull.asked > 0 && isDeliverable(consumer)
    this.#stalls = stalled ? this.#stalls + 1 : 0
    if (this.#stalls === 1) return
    const context = { pending: consumer.num_pending, asked: pull.asked }
    if (this.#stalls === 2) {
      this.#parts.log.warn('Messages wait and none come; pulling again', { context })
      pull.renew()
    } else if (this.#stalls >= 3) {
      this.#stalls = 0
      this.#parts.log.warn('Messages wait and none come; connecting again', { context })
      await this.#parts.connection.renew()
    }
  }

  #note(consumer: Found['consumer']): void {
    this.#state = { pending: consumer.num_pending, ackPending: consumer.num_ack_pending }
  }
}

/** Whether the server would send a waiting message to whoever asks. */
function isDeliverable(consumer: Found['consumer']): boolean {
  const most = consumer.config.max_ack_pending ?? -1
  return consumer.num_pending > 0 && consumer.paused !== true && (most <= 0 || consumer.num_ack_pending < most)
}
