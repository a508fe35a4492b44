import type { Clock, Timer } from '../../src/lib/clock.ts'

interface Pending {
  readonly dueMs: number
  readonly order: number
  readonly everyMs: number | undefined
  readonly run: () => void
}

/** A clock that stands still until it is told to advance. */
export class FakeClock implements Clock {
  readonly #startMs: number
  #elapsedMs = 0
  #armed = 0
  readonly #timers = new Map<number, Pending>()

  /** `startMs` is the wall-clock time it begins with, in milliseconds since 1970. */
  constructor(startMs = 1_700_000_000_000) {
    this.#startMs = startMs
  }

  /** How many timers and sleeps have neither fired nor been called off. */
  get pending(): number {
    return this.#timers.size
  }

  now(): number {
    return this.#startMs + this.#elapsedMs
  }

  monotonic(): number {
    return this.#elapsedMs
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const timer = this.after(ms, () => {
        signal?.removeEventListener('abort', abort)
        resolve()
      })
      const abort = (): void => {
        timer.cancel()
        reject(signal?.reason)
      }
      signal?.addEventListener('abort', abort, { once: true })
    })
  }

  soon(run: () => void): void {
    queueMicrotask(run)
  }

  after(ms: number, run: () => void): Timer {
    return this.#arm(Math.max(0, ms), undefined, run)
  }

  every(ms: number, run: () => void): Timer {
    const everyMs = Math.max(1, ms)
    return this.#arm(everyMs, everyMs, run)
  }

  /**
   * Moves time on by `ms`, firing what falls due in its order, at its own time, and letting everything that follows
   * from it settle before the next one. Rejects with what a timer's callback throws.
   */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#elapsedMs + ms
    await settled()
    for (let due = this.#nextDue(untilMs); due !== undefined; due = this.#nextDue(untilMs)) {
      this.#fire(...due)
      await settled()
    }
    this.#elapsedMs = untilMs
  }

  #arm(ms: number, everyMs: number | undefined, run: () => void): Timer {
    const id = this.#armed++
    this.#timers.set(id, { dueMs: this.#elapsedMs + ms, order: id, everyMs, run })
    return {
      cancel: () => {
        this.#timers.delete(id)
      },
    }
  }

  #nextDue(untilMs: number): [number, Pending] | undefined {
    let next: [number, Pending] | undefined
    for (const [id, timer] of this.#timers) {
      if (timer.dueMs <= untilMs && (next === undefined || isBefore(timer, next[1]))) next = [id, timer]
    }
    return next
  }

  #fire(id: number, timer: Pending): void {
    this.#elapsedMs = Math.max(this.#elapsedMs, timer.dueMs)
    if (timer.everyMs === undefined) this.#timers.delete(id)
    else this.#timers.set(id, { ...timer, dueMs: timer.dueMs + timer.everyMs, order: this.#armed++ })
    timer.run()
  }
}

function isBefore(a: Pending, b: Pending): boolean {
  return a.dueMs === b.dueMs ? a.order < b.order : a.dueMs < b.dueMs
}

/** One turn of the event loop: every promise that can settle without outside help has settled by then. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
