/** The bus on NATS: one connection, and whichever of core NATS and JetStream is there. */
import type { Bus, BusHealth, Delivery, DeliveryMode, Intake, Message, Received, Subscription } from '../bus/bus.ts'
import type { Config } from '../config/schema.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../observe/logger.ts'
import { Captures } from './captures.ts'
import { Connection, type ConnectionMetrics } from './connection.ts'
import { DeadLetterStreamSource } from './dead-letter-stream.ts'
import { Emitter } from './emitter.ts'
import { GroupFlush } from './group-flush.ts'
import type { ConsumerState } from './jetstream-intake.ts'
import { KvStateSource } from './kv-state-source.ts'
import { Listener } from './listener.ts'
import { Outbox } from './outbox.ts'
import { PassOn } from './pass-on.ts'
import { Prohibitions } from './prohibitions.ts'
import { Publisher } from './publisher.ts'
import { ReplyInbox } from './reply-inbox.ts'
import { Requester } from './requester.ts'
import { Session } from './session.ts'
import { readSignIn } from './sign-in.ts'

/** How long closing waits, in milliseconds, for the server to have everything that was sent. */
const closeLimitMs = 2_000

interface NatsBusOptions {
  readonly config: Pick<Config, 'nats' | 'jetstream' | 'subjects' | 'deadLetters'>
  /** How many deliveries of a stream are held at once. */
  readonly window: number
  readonly log: Logger
  readonly metrics: ConnectionMetrics
  readonly clock: Clock
  /** Called when it will never work: the process ends with that code. */
  readonly onFatal: (problem: { readonly exitCode: 3; readonly message: string }) => void
}

/** The bus on NATS, with what only NATS knows. */
export interface NatsBus extends Bus {
  /** What waits in the stream, and what the fleet holds of it; undefined without a stream. */
  consumerState(): ConsumerState | undefined
}

/**
 * Opens the bus. Resolves before there is a connection, which is then tried for ever. Rejects with ConfigError when a
 * file that the settings name cannot be used.
 */
export async function openNatsBus(options: NatsBusOptions): Promise<NatsBus> {
  const { config, clock, log, metrics } = options
  const signIn = await readSignIn(config.nats)
  const connection = new Connection({ options: { ...signIn, name: 'beamline' }, clock, log, metrics })
  return new NatsBusImpl(options, connection)
}

class NatsBusImpl implements NatsBus {
  readonly state: KvStateSource
  readonly deadLetters: DeadLetterStreamSource
  readonly #options: NatsBusOptions
  readonly #connection: Connection
  readonly #inbox = new ReplyInbox()
  readonly #flush: GroupFlush
  readonly #captures: Captures
  readonly #prohibitions: Prohibitions
  readonly #publisher: Publisher
  readonly #emitter: Emitter
  readonly #passOn: PassOn
  readonly #requester: Requester
  #session: Session | undefined

  constructor(options: NatsBusOptions, connection: Connection) {
    const { config, clock, log } = options
    const nats = () => connection.nats
    this.#options = options
    this.#connection = connection
    connection.onUp((up) => this.#inbox.attach(up))
    const outbox = new Outbox(nats, clock)
    connection.onDown(() => outbox.clear())
    this.#flush = new GroupFlush(nats, outbox, clock)
    const { ack, result, heartbeat, deadLetter } = config.subjects
    this.#prohibitions = new Prohibitions([ack, result, heartbeat, deadLetter], clock)
    connection.onRefused((refusal) => this.#prohibitions.refused(refusal))
    this.#captures = new Captures({
      nats,
      clock,
      jetstream: config.jetstream.mode !== 'off',
      onGone: () => this.#session?.lookSoon(),
    })
    this.#publisher = new Publisher({
      connection,
      inbox: this.#inbox,
      outbox,
      flush: this.#flush,
      captures: this.#captures,
      prohibitions: this.#prohibitions,
      clock,
    })
    this.#emitter = new Emitter({ connection, outbox, flush: this.#flush, log })
    this.#passOn = new PassOn({
      connection,
      publish: (message, signal) => this.#publisher.publish(message, signal),
      clock,
    })
    this.#requester = new Requester({ connection, inbox: this.#inbox, clock })
    const { replicas } = config.jetstream
    this.state = new KvStateSource({ connection, replicas, clock, log })
    this.deadLetters = new DeadLetterStreamSource({
      ...{ connection, clock, log, subject: deadLetter },
      limits: { ...config.deadLetters, replicas },
    })
    connection.open()
  }

  get maxPayload(): number {
    return this.#connection.maxPayload
  }

  get connected(): boolean {
    return this.#connection.connected
  }

  get mode(): DeliveryMode {
    return this.#session?.mode ?? 'unknown'
  }

  health(): BusHealth {
    return { nats: this.#natsHealth, consumer: this.#session?.health ?? 'not taking' }
  }

  get #natsHealth(): string {
    if (!this.connected) return this.#connection.health
    if (!this.#inbox.hears) return 'permissions forbid hearing answers'
    const forbidden = this.#prohibitions.subject
    return forbidden === undefined ? 'ok' : `permissions forbid publishing to ${forbidden}`
  }

  consumerState(): ConsumerState | undefined {
    return this.#session?.consumerState
  }

  take(deliver: (delivery: Delivery) => void): Intake {
    const { config, window, clock, log, onFatal } = this.#options
    this.#session = new Session({
      connection: this.#connection,
      inbox: this.#inbox,
      config,
      window,
      deliver,
      passOn: this.#passOn,
      onFatal,
      clock,
      log,
    })
    return this.#session
  }

  publish(message: Message, signal?: AbortSignal): Promise<void> {
    return this.#publisher.publish(message, signal)
  }

  emit(message: Message): void {
    this.#emitter.emit(message)
  }

  subscribe(subject: string, hear: (message: Received) => void): Subscription {
    return new Listener(this.#connection, subject, hear)
  }

  request(message: Message, waitMs: number): Promise<Uint8Array | undefined> {
    return this.#requester.ask(message, waitMs)
  }

  /** While disconnected, waits for the connection and for what was kept to be sent on it. */
  flush(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const { closing } = this.#connection
      const stop = (): void => reject(signal?.aborted === true ? signal.reason : closing.reason)
      const attempt = (): void =>
        this.#flush.after((arrived) => {
          if (!arrived && !(signal?.aborted || closing.aborted)) return this.#connection.whenUp(attempt)
          signal?.removeEventListener('abort', stop)
          closing.removeEventListener('abort', stop)
          resolve()
        })
      if (signal?.aborted || closing.aborted) return stop()
      signal?.addEventListener('abort', stop, { once: true })
      closing.addEventListener('abort', stop, { once: true })
      this.#connection.whenUp(attempt)
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const limit = new AbortController()
    const timer = this.#options.clock.after(closeLimitMs, () => limit.abort())
    if (this.connected) await this.flush(limit.signal).catch(() => undefined)
    timer.cancel()
    this.#session?.close()
    this.#publisher.close()
    this.#captures[Symbol.dispose]()
    await this.#connection[Symbol.asyncDispose]()
  }
}
