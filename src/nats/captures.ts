import type { NatsConnection } from '@nats-io/nats-core'
import type { Clock, Timer } from '../lib/clock.ts'
import { openManager, unlessAbsent } from './jetstream-api.ts'

/** How long a stored answer is trusted, in milliseconds. */
const trustMs = 30_000
/** Subjects whose answer is kept. We publish to a handful. */
const maxSubjects = 100

interface CaptureParts {
  /** The live connection, undefined while there is none. */
  readonly nats: () => NatsConnection | undefined
  readonly clock: Clock
  /** False: nothing is asked, and no stream is expected anywhere. */
  readonly jetstream: boolean
  /** A stream that captured a subject does so no longer. */
  readonly onGone: (subject: string) => void
}

/** Whether a stream captures a subject, so that a publish is confirmed by a PubAck. Asked once, then remembered. */
export class Captures implements Disposable {
  readonly #parts: CaptureParts
  readonly #known = new Map<string, boolean>()
  readonly #asked = new Map<string, Promise<boolean>>()
  #timer: Timer | undefined

  constructor(parts: CaptureParts) {
    this.#parts = parts
  }

  /** What is known without asking; undefined when it must be asked. */
  known(subject: string): boolean | undefined {
    return this.#parts.jetstream ? this.#known.get(subject) : false
  }

  /** Asks the server. Rejects when it is not known; what was known before stays. */
  async ask(subject: string): Promise<boolean> {
    if (!this.#parts.jetstream) return false
    const asked = this.#asked.get(subject) ?? this.#ask(subject)
    this.#asked.set(subject, asked)
    try {
      return await asked
    } finally {
      if (this.#asked.get(subject) === asked) this.#asked.delete(subject)
    }
  }

  /** Takes note of what a publish has shown. */
  learn(subject: string, captured: boolean): void {
    if (!this.#known.has(subject) && this.#known.size >= maxSubjects) this.#known.clear()
    const gone = !captured && this.#known.get(subject) === true
    this.#known.set(subject, captured)
    if (gone) this.#parts.onGone(subject)
    this.#timer ??= this.#parts.clock.every(trustMs, () => this.#refresh())
  }

  /** Trusts nothing any longer: another server may answer now. */
  forget(): void {
    this.#known.clear()
    this.#asked.clear()
  }

  /** Nobody has heard a message on the subject: whatever was known of it is asked anew. */
  forgetUnheard(subject: string): void {
    const captured = this.#known.get(subject)
    this.#known.delete(subject)
    if (captured === true) this.#parts.onGone(subject)
  }

  [Symbol.dispose](): void {
    this.#timer?.cancel()
  }

  async #ask(subject: string): Promise<boolean> {
    const nats = this.#parts.nats()
    if (nats === undefined) throw new Error('not connected')
    const captured = await capturedWithAck(nats, subject)
    if (this.#parts.nats() === nats) this.learn(subject, captured)
    return captured
  }

  #refresh(): void {
    if (this.#parts.nats() === undefined) return
    for (const subject of this.#known.keys()) this.ask(subject).catch(() => undefined)
  }
}

/** A stream that was told to acknowledge nothing counts as none: waiting for its PubAck would be in vain. */
async function capturedWithAck(nats: NatsConnection, subject: string): Promise<boolean> {
  const manager = await openManager(nats)
  const stream = await unlessAbsent(manager.streams.find(subject))
  if (stream === undefined) return false
  const info = await unlessAbsent(manager.streams.info(stream))
  return info !== undefined && info.config.no_ack !== true
}
