import { type Message, PublishError } from '../bus/bus.ts'
import type { Clock } from '../lib/clock.ts'
import type { Connection } from './connection.ts'

/** How long an assignment that is passed on may wait, in milliseconds, for a connection. */
const limitMs = 5_000

interface PassOnParts {
  readonly connection: Connection
  readonly publish: (message: Message, signal: AbortSignal) => Promise<void>
  readonly clock: Clock
}

/** Passes assignments on to other workers: a holder that waited for ever for a connection could not end. */
export class PassOn {
  readonly #parts: PassOnParts
  readonly #underWay = new Set<AbortController>()
  #leaving = false

  constructor(parts: PassOnParts) {
    this.#parts = parts
    parts.connection.onDown(() => this.#giveUpIfLeaving())
  }

  /** The process is about to end: from now on nothing waits for a connection. */
  leave(): void {
    this.#leaving = true
    this.#giveUpIfLeaving()
  }

  /** Rejects with a PublishError when nobody takes it. */
  async publish(message: Message): Promise<void> {
    const { publish, clock } = this.#parts
    const limit = new AbortController()
    this.#underWay.add(limit)
    this.#giveUpIfLeaving()
    const timer = clock.after(limitMs, () => giveUp(limit))
    await publish(message, limit.signal).finally(() => {
      timer.cancel()
      this.#underWay.delete(limit)
    })
  }

  #giveUpIfLeaving(): void {
    if (!this.#leaving || this.#parts.connection.connected) return
    for (const limit of this.#underWay) giveUp(limit)
  }
}

function giveUp(limit: AbortController): void {
  limit.abort(new PublishError('unconfirmed', 'There was no connection to pass the message on'))
}
