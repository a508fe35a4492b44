/** Looks again and again for approvals of which something is due, whoever left it: an end, a reminder, a result, a notice. */
import { backoffCeiling } from '../lib/backoff.ts'
import type { Clock, Timer } from '../lib/clock.ts'
import type { Logger } from '../observe/logger.ts'
import type { StateStore } from '../store/state-store.ts'
import type { Caretaker } from './caretaker.ts'
import { keyPrefix } from './record.ts'

interface SweepParts {
  readonly store: Pick<StateStore, 'due' | 'health'>
  readonly caretaker: Pick<Caretaker, 'attend' | 'busy'>
  readonly clock: Clock
  readonly log: Logger
}

const everyMs = 1000
/** How many approvals are looked after at once. */
const mostAtOnce = 64
/** How long one that could not be looked after is left alone, in milliseconds: growing, so that it keeps no place. */
const firstRestMs = 1000
const longestRestMs = 300_000

/** Runs from `start` until it is stopped. */
export class Sweep {
  readonly #parts: SweepParts
  readonly #stopped = new AbortController()
  /** Those that could not be looked after: how often so far, and until when they are left alone. */
  readonly #resting = new Map<string, { readonly tries: number; readonly until: number }>()
  #timer: Timer | undefined
  #looking = false
  #failing = false

  constructor(parts: SweepParts) {
    this.#parts = parts
  }

  start(): void {
    this.#timer = this.#parts.clock.every(everyMs, () => void this.#look())
    void this.#look()
  }

  stop(): void {
    this.#timer?.cancel()
    this.#stopped.abort()
  }

  async #look(): Promise<void> {
    const { store, log } = this.#parts
    // Readiness says what is wrong with it.
    if (this.#looking || store.health() !== 'ok') return
    this.#looking = true
    try {
      while (await this.#attendDue());
      this.#failing = false
    } catch (error) {
      // One line for the state.
      if (!this.#failing && !this.#stopped.signal.aborted) log.warn('Approvals cannot be looked after now', { error })
      this.#failing = true
    } finally {
      this.#looking = false
    }
  }

  /** Whether there may be more. */
  async #attendDue(): Promise<boolean> {
    const { store, caretaker, clock } = this.#parts
    const room = mostAtOnce - caretaker.busy
    if (room <= 0 || this.#stopped.signal.aborted) return false
    const now = clock.now()
    for (const [id, { until }] of this.#resting) if (until < now - longestRestMs) this.#resting.delete(id)
    const resting = [...this.#resting.values()].filter(({ until }) => until > now).length
    const found = await store.due(now, room + resting, this.#stopped.signal)
    const ids = found
      .filter((key) => key.startsWith(keyPrefix))
      .map((key) => key.slice(keyPrefix.length))
      .filter((id) => (this.#resting.get(id)?.until ?? now) <= now)
      .slice(0, room)
    const work = Promise.all(ids.map((id) => this.#attend(id)))
    // What takes long, such as a web server that does not answer, does not keep the others waiting.
    const patience = new AbortController()
    await Promise.race([work, clock.sleep(everyMs, patience.signal)])
    patience.abort()
    return ids.length === room
  }

  async #attend(id: string): Promise<void> {
    const { caretaker, clock } = this.#parts
    if (await caretaker.attend(id, { claim: true })) {
      this.#resting.delete(id)
      return
    }
    const tries = (this.#resting.get(id)?.tries ?? 0) + 1
    this.#resting.set(id, { tries, until: clock.now() + backoffCeiling(tries, firstRestMs, longestRestMs) })
  }
}
