import { JobError } from '../../errors.ts'
import type { Clock, Timer } from '../../lib/clock.ts'
import { WaitingLine } from '../../lib/waiting-line.ts'

/** So many places, each for one at a time; those who find none wait, and their tenants are served in turn. */
export class Places {
  readonly #size: number
  readonly #clock: Clock
  readonly #line = new WaitingLine()
  readonly #pauses = new Set<Timer>()
  readonly #emptied = Promise.withResolvers<void>()
  #taken = 0
  #isClosed = false

  constructor(size: number, clock: Clock) {
    this.#size = size
    this.#clock = clock
  }

  get waiting(): number {
    return this.#line.length
  }

  /** Whether nobody has a place or waits for one. */
  get isEmpty(): boolean {
    return this.#taken === 0 && this.#line.length === 0
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /**
   * Resolves when the caller has a place. Rejects with RESOURCE_UNAVAILABLE, unsent, after too long a wait (in
   * milliseconds) and when it is closed, and with the signal's reason when it aborts.
   */
  async take(tenantId: string, limitMs: number, signal: AbortSignal): Promise<void> {
    if (this.#isClosed) throw isEnding()
    signal.throwIfAborted()
    if (this.#taken < this.#size && this.#line.length === 0) this.#taken++
    else await this.#line.wait(tenantId, { clock: this.#clock, limitMs, late: isFull }, signal)
  }

  /** Gives a place back, or to the one who is next. */
  leave(): void {
    if (!this.#isClosed && this.#line.admit()) return
    this.#taken--
    if (this.#isClosed && this.#taken === 0) this.#emptied.resolve()
  }

  /** Gives a place back, but not to anybody before `ms` are over. */
  leaveLater(ms: number): void {
    if (this.#isClosed) return this.leave()
    const pause = this.#clock.after(ms, () => {
      this.#pauses.delete(pause)
      this.leave()
    })
    this.#pauses.add(pause)
  }

  /** Sends those away who wait. */
  refuse(error: unknown): void {
    this.#line.refuse(error)
  }

  /** Lets nobody in any more; resolves when all have left, or after `ms`. */
  async close(ms: number): Promise<void> {
    this.#isClosed = true
    this.#line.refuse(isEnding())
    this.#taken -= this.#pauses.size
    for (const pause of this.#pauses) pause.cancel()
    this.#pauses.clear()
    if (this.#taken === 0) return
    const limit = this.#clock.after(ms, () => this.#emptied.resolve())
    await this.#emptied.promise
    limit.cancel()
  }
}

/** There was no connection in time. */
export function isFull(): JobError {
  return new JobError('RESOURCE_UNAVAILABLE', 'All connections to databases are in use', {
    details: { reason: 'busy' },
    unsent: true,
  })
}

/** There will be no more connections. */
export function isEnding(): JobError {
  return new JobError('RESOURCE_UNAVAILABLE', 'No more statements are sent, for the process ends', { unsent: true })
}
