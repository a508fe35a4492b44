/**
 * The pull protocol of JetStream: asks for as many messages as there is room for, again when a quarter of the window is
 * free, and notices when the server has forgotten about it.
 */
import { createInbox, type Msg, type NatsConnection, nanos, type Subscription } from '@nats-io/nats-core'
import type { Clock, Timer } from '../lib/clock.ts'
import type { Logger } from '../observe/logger.ts'
import { endSubscription } from './end-subscription.ts'
import { OpenPulls } from './open-pulls.ts'

/** How long the server keeps a request that it cannot fill, in milliseconds. */
const expiresMs = 30_000
/** How often the server says that it has not forgotten a request, in milliseconds. */
const heartbeatMs = 5_000
/** A request of which nothing was heard for this long, in milliseconds, is taken for forgotten. */
const silenceMs = 2.5 * heartbeatMs
/** How long to wait, in milliseconds, after the server refused a request. */
const refusedWaitMs = 500

interface PullParts {
  readonly nats: NatsConnection
  readonly stream: string
  readonly consumer: string
  /** The consumer's own limits; undefined or 0: none. */
  readonly maxBatch: number | undefined
  readonly maxExpiresMs: number | undefined
  readonly window: number
  /** How many deliveries are held now. */
  readonly held: () => number
  readonly onMessage: (message: Msg) => void
  /** The consumer or its stream seems to be gone. Called at most once. */
  readonly onLost: (reason: string) => void
  readonly clock: Clock
  readonly log: Logger
}

/** Pulls from one consumer over one connection, until stopped or lost. */
export class Pull {
  readonly #parts: PullParts
  readonly #open: OpenPulls
  #subscription: Subscription | undefined
  #inbox = ''
  #number = 0
  #heardAt: number
  #received = 0
  #notBefore = 0
  #timer: Timer | undefined
  #retry: Timer | undefined
  #paused = false
  #over = false

  constructor(parts: PullParts) {
    this.#parts = parts
    this.#open = new OpenPulls(parts.clock)
    this.#heardAt = parts.clock.monotonic()
  }

  /** How many messages have come so far. */
  get received(): number {
    return this.#received
  }

  /** How many messages the server may still send without being asked. */
  get asked(): number {
    return this.#open.asked
  }

  start(): void {
    this.#timer = this.#parts.clock.every(heartbeatMs / 2, () => this.#look())
    this.renew()
  }

  /** Drops all requests and asks anew on another inbox, where nothing of the old ones can be heard. */
  renew(): void {
    if (this.#over) return
    void this.#drain()
    this.#open.clear()
    this.#inbox = createInbox()
    this.#heardAt = this.#parts.clock.monotonic()
    const inbox = this.#inbox
    this.#subscription = this.#parts.nats.subscribe(`${inbox}.*`, {
      callback: (error, message) => {
        if (error !== null) return this.#lose(error.message)
        // What is said about the requests of an earlier inbox does not matter any longer; its messages do.
        if (inbox === this.#inbox || !message.subject.startsWith(inbox)) this.#hear(message)
      },
    })
    this.refill()
  }

  /** Asks for more when there is room for a quarter of the window. */
  refill(): void {
    if (this.#over || this.#paused || this.#subscription === undefined) return
    const { window, held, nats, clock } = this.#parts
    const free = window - held() - this.#open.asked
    if (free < Math.max(1, Math.ceil(window / 4)) || nats.isClosed()) return
    if (clock.monotonic() < this.#notBefore) return
    this.#ask(free)
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    this.refill()
  }

  /** Asks for no more and resolves when nothing more comes. */
  async stop(): Promise<void> {
    this.#end()
    await this.#drain()
  }

  /** The connection is lost: the server will not hear of this inbox again. */
  drop(): void {
    this.#end()
    this.#subscription?.unsubscribe()
  }

  #ask(free: number): void {
    const { nats, stream, consumer, maxBatch, maxExpiresMs } = this.#parts
    const batch = maxBatch === undefined || maxBatch < 1 ? free : Math.min(free, maxBatch)
    const expires = maxExpiresMs === undefined || maxExpiresMs < 1 ? expiresMs : Math.min(expiresMs, maxExpiresMs)
    this.#number += 1
    this.#open.add(this.#number, batch, expires)
    nats.publish(
      `$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`,
      JSON.stringify({
        batch,
        expires: nanos(expires),
        idle_heartbeat: nanos(Math.min(heartbeatMs, Math.floor(expires / 2))),
      }),
      { reply: `${this.#inbox}.${this.#number}` },
    )
  }

  #hear(message: Msg): void {
    this.#heardAt = this.#parts.clock.monotonic()
    if (!message.subject.startsWith(this.#inbox)) {
      this.#received += 1
      this.#open.received()
      this.#parts.onMessage(message)
      return
    }
    const { headers } = message
    const code = headers?.code ?? 0
    if (code === 100 || headers === undefined) return
    const left = headers.get('Nats-Pending-Messages')
    this.#open.ended(Number(message.subject.slice(this.#inbox.length + 1)), left === '' ? undefined : Number(left))
    this.#afterEnd(code, headers.description.toLowerCase())
  }

  /** 408 is the ordinary end of a request; everything else says why there was none. */
  #afterEnd(code: number, description: string): void {
    if (code === 503) return this.#lose('nobody answers for the consumer')
    if (code === 409 && /deleted|push based/.test(description)) return this.#lose(description)
    if (code !== 408 && !/batch completed|leadership change|server shutdown/.test(description))
      this.#parts.log.warn('The server refused a pull', { context: { reason: description } })
    if (code === 408) return this.refill()
    this.#notBefore = this.#parts.clock.monotonic() + refusedWaitMs
    this.#retry?.cancel()
    this.#retry = this.#parts.clock.after(refusedWaitMs, () => this.refill())
  }

  /** Renews requests that the server has forgotten, and asks where a refusal has put it off. */
  #look(): void {
    this.#open.expire()
    const silent = this.#parts.clock.monotonic() - this.#heardAt
    if (this.#open.asked > 0 && silent > silenceMs) {
      this.#parts.log.warn('A pull was forgotten by the server; pulling again')
      this.renew()
    } else this.refill()
  }

  #lose(reason: string): void {
    if (this.#over) return
    this.#end()
    void this.#drain()
    this.#parts.onLost(reason)
  }

  /** Hears what is on its way, and then nothing more. */
  async #drain(): Promise<void> {
    if (this.#subscription !== undefined) await endSubscription(this.#subscription, true)
  }

  #end(): void {
    this.#over = true
    this.#timer?.cancel()
    this.#retry?.cancel()
  }
}
