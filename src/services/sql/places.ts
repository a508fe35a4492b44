import { JobError } from '../../errors.ts'
import type { Clock, Timer } from '../../lib/clock.ts'
import { WaitingLine } from '../../lib/waiting-line.ts'

/**
 * So many places, each for one at a time; those who find none wait, and their tenants are served in turn. Where there are
 * several, no tenant has them all: those who hold theirs for long would shut everybody else out.
 */
export class Places {
  readonly #size: number
  readonly #clock: Clock
  readonly #line = new WaitingLine()
  /** How many each tenant has who has any. */
  readonly #taken = new Map<string, number>()
  readonly #pauses = new Set<Timer>()
  readonly #emptied = Promise.withResolvers<void>()
  #full = 0
  #isClosed = false

  constructor(size: number, clock: Clock) {
    this.#size = size
    this.#clock = clock
  }

  /** How many are taken, or kept empty for now. */
  get full(): number {
    return this.#full
  }

  get waiting(): number {
    return this.#line.length
  }

  /** Whether nobody has a place or waits for one. */
  get isEmpty(): boolean {
    return this.#full === 0 && this.#line.length === 0
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
    if (!this.takeNow(tenantId)) await this.#line.wait(tenantId, { clock: this.#clock, limitMs, late: isFull }, signal)
  }

  /** Whether the caller has a place now, without having waited for it. */
  takeNow(tenantId: string): boolean {
    // Who waits while there is room has as many as may be.
    const isFree = !this.#isClosed && this.#full < this.#size && this.#mayTake(tenantId)
    if (isFree) this.#give(tenantId)
    return isFree
  }

  /** Gives a place back, or to the one who is next. */
  leave(tenantId: string): void {
    this.#forget(tenantId)
    this.#free()
  }

  /** Gives a place back, but not to anybody before `ms` are over. */
  leaveLater(tenantId: string, ms: number): void {
    if (this.#isClosed) return this.leave(tenantId)
    this.#forget(tenantId)
    const pause = this.#clock.after(ms, () => {
      this.#pauses.delete(pause)
      this.#free()
    })
    this.#pauses.add(pause)
    this.#admit()
  }

  /** Sends those away who wait. */
  refuse(error: unknown): void {
    this.#line.refuse(error)
  }

  /** Lets nobody in any more; resolves when all have left, or after `ms`. */
  async close(ms: number): Promise<void> {
    this.#isClosed = true
    this.#line.refuse(isEnding())
    this.#full -= this.#pauses.size
    for (const pause of this.#pauses) pause.cancel()
    this.#pauses.clear()
    if (this.#full === 0) return
    const limit = this.#clock.after(ms, () => this.#emptied.resolve())
    await this.#emptied.promise
    limit.cancel()
  }

  #mayTake(tenantId: string): boolean {
    return (this.#taken.get(tenantId) ?? 0) < Math.max(1, this.#size - 1)
  }

  #give(tenantId: string): void {
    this.#full++
    this.#taken.set(tenantId, (this.#taken.get(tenantId) ?? 0) + 1)
  }

  #forget(tenantId: string): void {
    const left = (this.#taken.get(tenantId) ?? 0) - 1
    if (left > 0) this.#taken.set(tenantId, left)
    else this.#taken.delete(tenantId)
  }

  #free(): void {
    this.#full--
    this.#admit()
    if (this.#isClosed && this.#full === 0) this.#emptied.resolve()
  }

  #admit(): void {
    while (!this.#isClosed && this.#full < this.#size) {
      const tenantId = this.#line.admitOf((each) => this.#mayTake(each))
      if (tenantId === undefined) return
      this.#give(tenantId)
    }
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
