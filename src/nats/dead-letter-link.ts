import { type JetStreamClient, type JetStreamManager, jetstream } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/nats-core'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../observe/logger.ts'
import { StoreError } from '../store/state-store.ts'
import type { Connection } from './connection.ts'
import type { DeadLetterNames } from './dead-letter-names.ts'
import {
  type DeadLetterLimits,
  type DeadLetterStreams,
  openDeadLetterStreams,
  streamFault,
} from './dead-letter-streams.ts'
import { absence, apiOptions, openManager, reasonOf } from './jetstream-api.ts'

export interface DeadLetterLinkParts {
  readonly connection: Connection
  readonly limits: DeadLetterLimits
  readonly clock: Clock
  readonly log: Logger
}

/** Streams that can be used, over one connection. */
export interface OpenedStreams extends DeadLetterStreams {
  readonly nats: NatsConnection
  readonly client: JetStreamClient
  readonly manager: JetStreamManager
}

/** Holds on to the streams of dead letters: opens them on each connection, and again when they turn out to be gone. */
export class DeadLetterLink {
  readonly #parts: DeadLetterLinkParts
  readonly #names: DeadLetterNames
  readonly #onOpened: (streams: DeadLetterStreams) => void
  #opening: Promise<OpenedStreams> | undefined
  /** What the last opening that succeeded has found. */
  #current: OpenedStreams | undefined
  /** What was last said against the streams. */
  #told: string | undefined
  #closed = false

  /** `onOpened` is told of the streams each time they have been found. */
  constructor(parts: DeadLetterLinkParts, names: DeadLetterNames, onOpened: (streams: DeadLetterStreams) => void) {
    this.#parts = parts
    this.#names = names
    this.#onOpened = onOpened
    const { connection } = parts
    connection.onDown(() => {
      this.#opening = undefined
    })
    connection.onUp(() => this.#openSoon())
    if (connection.connected) this.#openSoon()
  }

  /** Rejects with a StoreError when they cannot be used now, without a connection at once. */
  opened(): Promise<OpenedStreams> {
    const { nats } = this.#parts.connection
    if (this.#closed) return Promise.reject(unreachable('closed'))
    if (nats === undefined) return Promise.reject(unreachable('not connected'))
    if (this.#opening !== undefined) return this.#opening
    const opening = this.#open(nats)
    this.#opening = opening
    opening.catch(() => this.#forget(opening))
    return opening
  }

  /** What was asked of these has shown that they are gone: the next who asks has them looked for again. */
  gone(streams: OpenedStreams): void {
    if (this.#current === streams) this.#opening = undefined
  }

  close(): void {
    this.#closed = true
    this.#opening = undefined
  }

  #openSoon(): void {
    this.#opening = undefined
    this.opened().catch(() => undefined)
  }

  #forget(opening: Promise<OpenedStreams>): void {
    if (this.#opening === opening) this.#opening = undefined
  }

  async #open(nats: NatsConnection): Promise<OpenedStreams> {
    try {
      const streams = await openDeadLetterStreams(nats, this.#names, this.#parts.limits)
      const manager = await openManager(nats)
      const fault = streamFault(streams.main) ?? streamFault(streams.rejected)
      this.#tell(fault === undefined ? undefined : `it may lose dead letters: ${fault}`)
      const opened = { ...streams, nats, client: jetstream(nats, apiOptions), manager }
      if (this.#parts.connection.nats === nats) this.#current = opened
      this.#onOpened(streams)
      return opened
    } catch (cause) {
      const reason = absence(cause) === 'no-jetstream' ? 'no JetStream for this account' : reasonOf(cause)
      if (this.#parts.connection.nats === nats) this.#tell(`it cannot be used: ${reason}`)
      throw unreachable(reason, cause)
    }
  }

  #tell(reason: string | undefined): void {
    const isNew = reason !== undefined && reason !== this.#told
    this.#told = reason
    if (!isNew) return
    const context = { stream: this.#names.stream, reason }
    this.#parts.log.warn('Something is wrong with the stream of dead letters', { context })
  }
}

/** That dead letters cannot be kept or read in the stream now. */
export function unreachable(reason: string, cause?: unknown): StoreError {
  return new StoreError('unreachable', `The stream of dead letters cannot be used: ${reason}`, { cause })
}
