/** Tells the platform of dead letters, without drowning it in them. */
import type { Message } from '../bus/bus.ts'
import type { Clock } from '../lib/clock.ts'
import { type DeadLetter, notification } from '../protocol/dead-letter.ts'
import type { EnvelopeMode } from '../protocol/envelope.ts'

const mostPerWindow = 10
const windowMs = 1000

interface Options {
  readonly subject: string
  readonly mode: EnvelopeMode
  readonly clock: Clock
  /** Sends without waiting. */
  readonly emit: (message: Message) => void
  /** Called for each notification that is left out. */
  readonly suppressed: () => void
}

/** Sends a notification for each dead letter, at most ten within any second; the rest are only counted. */
export class Notifier {
  readonly #options: Options
  /** When the last ten were sent, oldest first. */
  readonly #sentAt: number[] = []

  constructor(options: Options) {
    this.#options = options
  }

  notify(record: DeadLetter): void {
    const { subject, mode, emit, suppressed } = this.#options
    if (this.#mayNotify()) emit({ subject, body: notification(record, mode) })
    else suppressed()
  }

  #mayNotify(): boolean {
    const now = this.#options.clock.monotonic()
    const [oldest] = this.#sentAt
    if (this.#sentAt.length === mostPerWindow && oldest !== undefined && now - oldest < windowMs) return false
    this.#sentAt.push(now)
    if (this.#sentAt.length > mostPerWindow) this.#sentAt.shift()
    return true
  }
}
