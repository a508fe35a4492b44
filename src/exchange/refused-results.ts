/** Results that were refused while others are taken: each is tried ever more seldom, however many there are. */
import { backoffCeiling } from '../lib/backoff.ts'
import type { Clock } from '../lib/clock.ts'
import type { DeadLetter } from '../protocol/dead-letter.ts'
import type { KeptDeadLetter } from '../store/dead-letter-store.ts'

interface Waiting {
  /** When it was written, in milliseconds since 1970. */
  readonly writtenMs: number
  /** When it is to be tried again, on the monotonic clock. */
  readonly dueMs: number
}

interface Refused extends Waiting {
  readonly tries: number
}

/** Between two tries of one, in milliseconds. */
const firstWaitMs = 60_000
const longestWaitMs = 3_600_000
/** So many are remembered one by one; of more, the marks say when they were tried. */
const mostRemembered = 1_000

/** Remembers which results were refused, and when each is to be tried again. */
export class RefusedResults {
  readonly #clock: Clock
  readonly #refused = new Map<string, Refused>()
  /** Those that are not remembered one by one: the oldest, and when all of them may be tried again. */
  #others: Waiting | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** It was refused, once more. */
  add(record: DeadLetter): void {
    const [before, writtenMs, nowMs] = [this.#refused.get(record.id), Date.parse(record.ts), this.#clock.monotonic()]
    if (before === undefined && this.#refused.size >= mostRemembered) {
      return this.#addOther({ writtenMs, dueMs: nowMs + longestWaitMs })
    }
    const tries = 1 + (before?.tries ?? 0)
    this.#refused.set(record.id, {
      ...{ writtenMs, tries },
      dueMs: nowMs + backoffCeiling(tries, firstWaitMs, longestWaitMs),
    })
  }

  /** Whether it was refused, and is not to be tried yet; then it is among those that are waited for. */
  holdsBack({ record, mark }: KeptDeadLetter): boolean {
    const nowMs = this.#clock.monotonic()
    const refused = this.#refused.get(record.id)
    if (refused !== undefined) return refused.dueMs > nowMs
    if (this.#others === undefined || mark === undefined) return false
    const agoMs = Math.max(0, this.#clock.now() - Date.parse(mark.at))
    if (!(agoMs < longestWaitMs)) return false
    this.#addOther({ writtenMs: Date.parse(record.ts), dueMs: nowMs + longestWaitMs - agoMs })
    return true
  }

  /** When the first is to be tried again, on the monotonic clock; infinite when there is none. */
  get nextMs(): number {
    return this.#all().reduce((first, { dueMs }) => Math.min(first, dueMs), Number.POSITIVE_INFINITY)
  }

  /** When the oldest of those that are due was written, in milliseconds since 1970; infinite when none is due. */
  get dueFrom(): number {
    const nowMs = this.#clock.monotonic()
    const due = this.#all().filter(({ dueMs }) => dueMs <= nowMs)
    return due.reduce((oldest, { writtenMs }) => Math.min(oldest, writtenMs), Number.POSITIVE_INFINITY)
  }

  /** Forgets those that were due at a moment on the monotonic clock: by now they were sent, or refused once more, or are gone. */
  forgetDueAt(ms: number): void {
    for (const [id, { dueMs }] of this.#refused) if (dueMs <= ms) this.#refused.delete(id)
    if (this.#others !== undefined && this.#others.dueMs <= ms) this.#others = undefined
  }

  #all(): readonly Waiting[] {
    return [...this.#refused.values(), ...(this.#others === undefined ? [] : [this.#others])]
  }

  #addOther({ writtenMs, dueMs }: Waiting): void {
    const before = this.#others
    this.#others = {
      writtenMs: Math.min(writtenMs, before?.writtenMs ?? writtenMs),
      dueMs: Math.max(dueMs, before?.dueMs ?? dueMs),
    }
  }
}
