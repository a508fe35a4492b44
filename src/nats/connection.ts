/** The one connection to NATS: made as soon as a server is there, and again whenever it is lost, for ever. */
import { type ConnectionOptions, type NatsConnection, PermissionViolationError, type Status } from '@nats-io/nats-core'
import { connect } from '@nats-io/transport-node'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../observe/logger.ts'

/** A connection attempt that has not ended by then, in milliseconds, is given up. */
const connectLimitMs = 5_000
/** A server that does not answer pings for two of these, in milliseconds, is taken for gone. */
const pingEveryMs = 10_000
/** The wait between two attempts doubles from the first to the last of these, in milliseconds, with jitter. */
const firstWaitMs = 50
const longestWaitMs = 2_000
/** What servers allow unless told otherwise, in bytes; for the time before the first connection. */
const usualMaxPayload = 1024 * 1024

/** What the connection counts. */
export interface ConnectionMetrics {
  natsConnected(connected: boolean): void
  natsReconnected(): void
}

interface ConnectionParts {
  readonly options: ConnectionOptions
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: ConnectionMetrics
}

/** Something the server forbade. */
export interface Refusal {
  readonly operation: 'publish' | 'subscription'
  readonly subject: string
}

/** Holds the connection. What must know of it registers before `open`. */
export class Connection implements AsyncDisposable {
  readonly #parts: ConnectionParts
  readonly #closing = new AbortController()
  readonly #up: ((nats: NatsConnection) => void)[] = []
  #once: (() => void)[] = []
  readonly #down: (() => void)[] = []
  readonly #refused: ((refusal: Refusal) => void)[] = []
  readonly #refusalsLogged = new Set<string>()
  #nats: NatsConnection | undefined
  #connected = false
  #attempts = 0
  #problem = 'connecting'
  #opening: Promise<void> = Promise.resolve()
  #connecting = false

  constructor(parts: ConnectionParts) {
    this.#parts = parts
  }

  get connected(): boolean {
    return this.#connected
  }

  /** The live connection; undefined while there is none. */
  get nats(): NatsConnection | undefined {
    return this.#connected ? this.#nats : undefined
  }

  /** `ok`, or what is wrong. */
  get health(): string {
    return this.#connected ? 'ok' : this.#problem
  }

  /** In bytes. */
  get maxPayload(): number {
    return this.#nats?.info?.max_payload ?? usualMaxPayload
  }

  /** Aborts when the connection is closed for good. */
  get closing(): AbortSignal {
    return this.#closing.signal
  }

  /** Calls `run` each time a connection has been made; the subscriptions of a connection outlive its interruptions. */
  onUp(run: (nats: NatsConnection) => void): void {
    this.#up.push(run)
  }

  /** Calls `run` each time the connection is lost. */
  onDown(run: () => void): void {
    this.#down.push(run)
  }

  /** Calls `run` for each publish or subscription that permissions forbid. */
  onRefused(run: (refusal: Refusal) => void): void {
    this.#refused.push(run)
  }

  /** Calls `run` once: now, or as soon as there is a connection. */
  whenUp(run: () => void): void {
    if (this.#connected) run()
    else this.#once.push(run)
  }

  /** Starts connecting; returns at once. */
  open(): void {
    this.#opening = this.#connectUntilClosed()
  }

  /** Drops the connection and makes it anew. */
  async renew(): Promise<void> {
    await this.nats?.reconnect().catch(() => undefined)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort()
    await this.#nats?.close()
    // An attempt cannot be called off. It ends by its own limit, and need not be waited for.
    if (!this.#connecting) await this.#opening
  }

  async #connectUntilClosed(): Promise<void> {
    while (!this.#closing.signal.aborted) {
      const nats = await this.#connectOnce()
      if (nats === undefined) continue
      this.#nats = nats
      if (this.#closing.signal.aborted) return nats.close()
      this.#setUp(nats)
      for await (const status of nats.status()) this.#hear(status, nats)
      await nats.closed()
      this.#setDown('the connection was closed')
    }
  }

  async #connectOnce(): Promise<NatsConnection | undefined> {
    const { clock, log } = this.#parts
    try {
      this.#attempts += 1
      return await this.#attempt()
    } catch (error) {
      if (this.#closing.signal.aborted) return undefined
      const problem = error instanceof Error ? error.message : 'no connection'
      if (problem !== this.#problem) log.warn('NATS cannot be reached; trying again', { error })
      this.#problem = problem
      await clock.sleep(this.#wait(), this.#closing.signal).catch(() => undefined)
      return undefined
    }
  }

  async #attempt(): Promise<NatsConnection> {
    this.#connecting = true
    try {
      return await connect({
        ...this.#parts.options,
        timeout: connectLimitMs,
        pingInterval: pingEveryMs,
        maxReconnectAttempts: -1,
        ignoreAuthErrorAbort: true,
        reconnectDelayHandler: () => this.#wait(),
      })
    } finally {
      this.#connecting = false
    }
  }

  #wait(): number {
    const longest = Math.min(longestWaitMs, firstWaitMs * 2 ** Math.min(this.#attempts, 10))
    return longest * (0.5 + Math.random() / 2)
  }

  #hear(status: Status, nats: NatsConnection): void {
    switch (status.type) {
      case 'disconnect':
        this.#setDown('disconnected')
        break
      case 'reconnecting':
        this.#attempts += 1
        break
      case 'reconnect':
        this.#parts.metrics.natsReconnected()
        this.#setUp(nats)
        break
      case 'error':
        this.#hearError(status.error)
        break
      default:
        this.#parts.log.debug('NATS connection status', { context: { status: status.type } })
    }
  }

  #hearError(error: Error): void {
    if (!(error instanceof PermissionViolationError)) {
      if (!this.#connected) this.#problem = error.message
      this.#parts.log.warn('The NATS server reports an error', { error })
      return
    }
    const { operation, subject } = error
    const key = `${operation} ${subject}`
    // A caller chooses none of these subjects, but the set must stay bounded all the same.
    if (!this.#refusalsLogged.has(key) && this.#refusalsLogged.size < 100) {
      this.#refusalsLogged.add(key)
      this.#parts.log.error('NATS permissions forbid it', { context: { operation, subject } })
    }
    for (const run of this.#refused) this.#tell(() => run({ operation, subject }))
  }

  #setUp(nats: NatsConnection): void {
    this.#attempts = 0
    this.#connected = true
    this.#parts.metrics.natsConnected(true)
    this.#parts.log.info('Connected to NATS', {
      context: { server: nats.getServer(), version: nats.info?.version },
    })
    const once = this.#once
    this.#once = []
    for (const run of [...this.#up, ...once]) this.#tell(() => run(nats))
  }

  #setDown(problem: string): void {
    this.#problem = problem
    if (!this.#connected) return
    this.#connected = false
    this.#parts.metrics.natsConnected(false)
    if (!this.#closing.signal.aborted) this.#parts.log.warn('The connection to NATS is lost; reconnecting')
    for (const run of this.#down) this.#tell(run)
  }

  /** A connection that breaks while the others are told of it must not end the loop that makes it again. */
  #tell(run: () => void): void {
    try {
      run()
    } catch (error) {
      this.#parts.log.warn('The connection was lost again at once', { error })
    }
  }
}
