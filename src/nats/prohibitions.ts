import type { Clock } from '../lib/clock.ts'
import type { Refusal } from './connection.ts'

/** How long a refusal is told of, in milliseconds: for longer than a job usually waits for the next one to end. */
const toldForMs = 60_000
const acks = '$JS.ACK.'

/**
 * What permissions forbade to publish lately, of the subjects that the worker cannot do without. Other subjects do not
 * count: callers choose some of them, as where to answer.
 */
export class Prohibitions {
  readonly #clock: Clock
  readonly #needed: ReadonlySet<string>
  /** The moment of the last refusal, on the monotonic clock. */
  readonly #refusedAt = new Map<string, number>()

  constructor(needed: readonly string[], clock: Clock) {
    this.#needed = new Set(needed)
    this.#clock = clock
  }

  refused({ operation, subject }: Refusal): void {
    if (operation !== 'publish') return
    const about = subject.startsWith(acks) ? `${acks}>` : subject
    if (about === `${acks}>` || this.#needed.has(about)) this.#refusedAt.set(about, this.#clock.monotonic())
  }

  /** A message on this subject has arrived. */
  arrived(subject: string): void {
    if (this.#refusedAt.size > 0) this.#refusedAt.delete(subject)
  }

  /** One of the forbidden subjects; undefined when there is none. */
  get subject(): string | undefined {
    const since = this.#clock.monotonic() - toldForMs
    for (const [subject, at] of this.#refusedAt) {
      if (at > since) return subject
      this.#refusedAt.delete(subject)
    }
    return undefined
  }
}
