import type { Clock, Timer } from '../lib/clock.ts'
import type { Job } from './job.ts'
import { type Limits, Schedule } from './schedule.ts'

/**
 * How a wait for a slot ended: with the slot, or without: its deadline passed, it was told to stop, or it made room for
 * a job of another tenant.
 */
export type Turn = 'slot' | 'expired' | 'cancelled' | 'interrupted' | 'displaced'

/** How late, in milliseconds, a job may learn that its deadline passed while it waited. */
const sweepMs = 100

/** Hands out the right to run, in the order of the schedule. */
export class Slots implements Disposable {
  readonly #schedule: Schedule<Job>
  readonly #clock: Clock
  readonly #sweep: Timer
  readonly #waiters = new Map<Job, (turn: Turn) => void>()

  constructor(limits: Limits, clock: Clock) {
    this.#schedule = new Schedule<Job>(limits)
    this.#clock = clock
    this.#sweep = clock.every(sweepMs, () => this.#expire())
  }

  get running(): number {
    return this.#schedule.running
  }

  get waiting(): number {
    return this.#schedule.waiting
  }

  depth(pool: Job['pool']): number {
    return this.#schedule.depth(pool)
  }

  /** Waits for the job's turn. After `slot`, and only then, `release` must be called. */
  turn(job: Job): Promise<Turn> {
    if (job.stopped !== undefined) return Promise.resolve(job.stopped)
    if (this.#isLate(job)) return Promise.resolve('expired')
    return new Promise((resolve) => {
      this.#waiters.set(job, resolve)
      job.onStop((why) => this.#withdraw(job, why))
      this.#schedule.add(job)
      this.#dispatch()
    })
  }

  release(job: Job): void {
    this.#schedule.release(job)
    this.#dispatch()
  }

  /**
   * Makes room in a full queue of `capacity` for a job of this tenant by displacing another tenant's; false when its
   * tenant already has its share, or when nothing can be moved.
   */
  makeRoom(tenantId: string, capacity: number): boolean {
    const victim = this.#schedule.makesRoomFor(tenantId, capacity)
    // A job that has been tried before stays: elsewhere its tries would start again from one.
    if (victim === undefined || victim.attempts > 0) return false
    this.#withdraw(victim, 'displaced')
    return true
  }

  [Symbol.dispose](): void {
    this.#sweep.cancel()
  }

  #withdraw(job: Job, turn: Turn): void {
    if (this.#schedule.remove(job)) this.#answer(job, turn)
  }

  #answer(job: Job, turn: Turn): void {
    const resolve = this.#waiters.get(job)
    this.#waiters.delete(job)
    job.onStop(undefined)
    resolve?.(turn)
  }

  #dispatch(): void {
    for (let job = this.#schedule.next(); job !== undefined; job = this.#schedule.next()) {
      if (this.#isLate(job)) {
        this.#schedule.release(job)
        this.#answer(job, 'expired')
      } else {
        this.#answer(job, 'slot')
      }
    }
  }

  #expire(): void {
    const late: Job[] = []
    for (const job of this.#schedule.jobs()) if (this.#isLate(job)) late.push(job)
    for (const job of late) this.#withdraw(job, 'expired')
  }

  #isLate(job: Job): boolean {
    return job.deadlineAt !== undefined && job.deadlineAt <= this.#clock.monotonic()
  }
}
