/**
 * Decides how assignments arrive, and keeps it so: by a definite answer of the server only, asked again whenever it may
 * have changed.
 */
import type { NatsConnection } from '@nats-io/nats-core'
import type { Delivery, DeliveryMode, Intake } from '../bus/bus.ts'
import type { Config } from '../config/schema.ts'
import type { Clock, Timer } from '../lib/clock.ts'
import type { Logger } from '../observe/logger.ts'
import type { Connection } from './connection.ts'
import { deliveryLimit } from './consumer-fitness.ts'
import { CoreIntake } from './core-intake.ts'
import { type ConsumerState, JetStreamIntake } from './jetstream-intake.ts'
import type { PassOn } from './pass-on.ts'
import { type Found, type Provision, provision } from './provision.ts'
import type { ReplyInbox } from './reply-inbox.ts'

/** How often to look for what is not there yet, or is there no longer, in milliseconds. */
const lookEveryMs = 30_000
/** How long to wait, in milliseconds, before asking again for what is not ready. */
const askAgainMs = 1_000

interface SessionParts {
  readonly connection: Connection
  readonly inbox: ReplyInbox
  readonly config: Pick<Config, 'jetstream' | 'subjects'>
  readonly window: number
  readonly deliver: (delivery: Delivery) => void
  readonly passOn: PassOn
  /** `require` on a server that says it has no JetStream. */
  readonly onFatal: (problem: { readonly exitCode: 3; readonly message: string }) => void
  readonly clock: Clock
  readonly log: Logger
}

/** The intake of this process, whichever way it goes at the moment. */
export class Session implements Intake {
  readonly #parts: SessionParts
  #core: CoreIntake | undefined
  #jetstream: JetStreamIntake | undefined
  /** What is missing, for readiness; undefined: nothing. */
  #missing: string | undefined = 'not known yet'
  #timer: Timer | undefined
  /** Counts the connections that were lost: what was asked over an earlier one has no answer, and is not waited for. */
  #era = 0
  /** The era of the look that is under way. */
  #looking: number | undefined
  /** The change from core to JetStream, which listens to what is on its way. */
  #leaving: Promise<void> | undefined
  #lookAgain = false
  #stopped = false
  #paused = false
  #seen = false
  #attachedAt = Number.NEGATIVE_INFINITY
  #lookedAt = Number.NEGATIVE_INFINITY

  constructor(parts: SessionParts) {
    this.#parts = parts
    parts.connection.onUp(() => this.#look())
    parts.connection.onDown(() => {
      this.#era += 1
      this.#jetstream?.detach()
      if (this.#jetstream !== undefined) this.#missing = 'not connected'
    })
    parts.connection.onRefused(({ operation, subject }) => {
      if (operation === 'publish' && subject.startsWith('$JS.API.CONSUMER.MSG.NEXT.'))
        this.#lose('permissions forbid pulling from the consumer')
    })
    if (parts.connection.connected) this.#look()
  }

  get window(): number | undefined {
    return this.#jetstream === undefined ? undefined : this.#parts.window
  }

  get mode(): DeliveryMode {
    if (this.#jetstream !== undefined) return 'jetstream'
    return this.#core === undefined ? 'unknown' : 'core'
  }

  /** `ok`, or what is missing. */
  get health(): string {
    return this.#missing ?? (this.#paused ? 'paused' : 'ok')
  }

  get consumerState(): ConsumerState | undefined {
    return this.#jetstream?.state
  }

  pause(): void {
    this.#paused = true
    this.#core?.pause()
    this.#jetstream?.pause()
  }

  resume(): void {
    if (this.#stopped) return
    this.#paused = false
    this.#core?.resume()
    this.#jetstream?.resume()
  }

  /** A stream of ours has gone: in mode `require` it is made again. */
  lookSoon(): void {
    if (this.#jetstream === undefined || this.#parts.config.jetstream.mode !== 'require') return
    this.#lookIn(Math.max(0, this.#lookedAt + askAgainMs - this.#parts.clock.monotonic()))
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#timer?.cancel()
    this.#parts.passOn.leave()
    await Promise.all([this.#leaving, this.#core?.stop(), this.#jetstream?.stop()])
  }

  /** Ends what still waits for an answer. */
  close(): void {
    this.#stopped = true
    this.#timer?.cancel()
    this.#jetstream?.close()
  }

  #look(): void {
    this.#timer?.cancel()
    const era = this.#era
    if (this.#looking === era) {
      this.#lookAgain = true
      return
    }
    this.#looking = era
    this.#lookAgain = false
    this.#lookedAt = this.#parts.clock.monotonic()
    void this.#settle(era).finally(() => {
      if (this.#era !== era) return
      this.#looking = undefined
      if (this.#lookAgain) this.#look()
    })
  }

  #lookIn(ms: number): void {
    if (this.#stopped) return
    this.#timer?.cancel()
    this.#timer = this.#parts.clock.after(ms, () => this.#look())
  }

  /** Whether what is found for that era comes too late. */
  #isOver(era: number): boolean {
    return this.#stopped || era !== this.#era
  }

  async #settle(era: number): Promise<void> {
    const { connection, config } = this.#parts
    const { nats } = connection
    if (this.#isOver(era) || nats === undefined) return
    if (config.jetstream.mode === 'off') return this.#takeCore(nats)
    const answer = await provision(nats, config)
    if (this.#isOver(era)) return
    if (answer.kind === 'jetstream') await this.#takeJetStream(nats, answer, era)
    else this.#withoutStream(nats, answer)
  }

  #withoutStream(nats: NatsConnection, answer: Exclude<Provision, Found>): void {
    const { config, onFatal } = this.#parts
    const reason = words[answer.kind](answer)
    if (answer.kind === 'no-jetstream' && config.jetstream.mode === 'require' && !this.#seen) {
      this.#miss(reason)
      onFatal({ exitCode: 3, message: `JETSTREAM=require, but ${reason}` })
      return
    }
    if (answer.kind === 'not-ready' || config.jetstream.mode === 'require' || this.#seen) {
      // Work that was once stored is not taken unstored: a stream that has gone may come back with all that waits in it.
      if (this.#seen && answer.kind !== 'not-ready') this.#endJetStream()
      if (this.#core === undefined) this.#miss(reason)
      else this.#takeCore(nats)
      return this.#lookIn(this.#core === undefined ? askAgainMs : lookEveryMs)
    }
    this.#takeCore(nats)
    this.#lookIn(lookEveryMs)
  }

  #takeCore(nats: NatsConnection): void {
    const { connection, config, deliver, passOn, log } = this.#parts
    if (this.#core?.isOn(nats) === true) return
    this.#core = new CoreIntake(nats, {
      subject: config.subjects.assign,
      deliver,
      publish: (message) => passOn.publish(message),
      isConnected: () => connection.connected,
      paused: this.#paused,
      onRefused: () => {
        this.#core = undefined
        this.#miss('permissions forbid listening for assignments')
        this.#lookIn(lookEveryMs)
      },
    })
    this.#missing = undefined
    log.info('Taking assignments from core NATS', { context: { subject: config.subjects.assign } })
  }

  async #takeJetStream(nats: NatsConnection, found: Found, era: number): Promise<void> {
    const { log } = this.#parts
    if (this.#core !== undefined) {
      this.#leaving = this.#core.stop()
      this.#core = undefined
      await this.#leaving
    }
    if (this.#isOver(era)) return
    if (this.#jetstream?.identity !== found.identity) {
      this.#endJetStream()
      this.#jetstream = this.#openJetStream(found)
      log.info('Taking assignments from JetStream', {
        context: { stream: found.stream, consumer: found.consumer.name },
      })
      warnOfLimits(found, log)
    }
    this.#seen = true
    this.#missing = undefined
    if (!this.#jetstream.isOn(nats, found)) {
      this.#attachedAt = this.#parts.clock.monotonic()
      this.#jetstream.attach(nats, found)
    }
    this.#lookIn(lookEveryMs)
  }

  #openJetStream(found: Found): JetStreamIntake {
    const { connection, inbox, window, deliver, clock, log } = this.#parts
    const intake = new JetStreamIntake(found, {
      connection,
      inbox,
      window,
      deliver,
      onLost: (reason) => this.#lose(reason),
      clock,
      log,
    })
    if (this.#paused) intake.pause()
    return intake
  }

  #endJetStream(): void {
    this.#jetstream?.end()
    this.#jetstream = undefined
  }

  #lose(reason: string): void {
    if (this.#stopped) return
    this.#jetstream?.detach()
    this.#miss(reason)
    // What is lost as soon as it was there would be asked for without a pause.
    if (this.#parts.clock.monotonic() - this.#attachedAt < askAgainMs) this.#lookIn(askAgainMs)
    else this.#look()
  }

  #miss(reason: string): void {
    if (this.#missing !== reason) this.#parts.log.warn('Assignments cannot be taken', { context: { reason } })
    this.#missing = reason
  }
}

const words = {
  core: () => 'no stream captures the assignments',
  'no-jetstream': () => 'the server has no JetStream for this account',
  'not-ready': (answer: Exclude<Provision, Found>) => (answer.kind === 'not-ready' ? answer.reason : ''),
} as const

/** Limits of a consumer that somebody else made, under which jobs can be lost or wait for no visible reason. */
function warnOfLimits(found: Found, log: Logger): void {
  const { max_ack_pending: maxAckPending = -1 } = found.consumer.config
  const maxDeliver = deliveryLimit(found.consumer)
  if (maxDeliver !== undefined)
    log.warn('The consumer stops delivering a message after some tries; its job is lost then', {
      context: { consumer: found.consumer.name, max_deliver: maxDeliver },
    })
  if (maxAckPending > 0)
    log.info('The consumer limits how many jobs the fleet may hold', {
      context: { consumer: found.consumer.name, max_ack_pending: maxAckPending },
    })
}
