/** Looks again and again for approvals of which something is due, whoever left it: an end, a reminder, a result, a notice. */
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

/** Runs from `start` until it is stopped. */
export class Sweep {
  readonly #parts: SweepParts
  readonly #stopped = new AbortController()
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
    const found = await store.due(clock.now(), room, this.#stopped.signal)
    const ids = found.filter((key) => key.startsWith(keyPrefix)).map((key) => key.slice(keyPrefix.length))
    const work = Promise.all(ids.map((id) => caretaker.attend(id, { claim: true })))
    // What takes long, such as a web server that does not answer, does not keep the others waiting.
    const patience = new AbortController()
    await Promise.race([work, clock.sleep(everyMs, patience.signal)])
    patience.abort()
    return ids.length === room
  }
}
