import type { Bus, Received, Subscription } from '../bus/bus.ts'
import { BoundedMap } from '../lib/bounded-map.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../observe/logger.ts'
import { type CancelRequest, decodeCancel, encodeCancelReply } from '../protocol/cancel.ts'
import { jobKey } from '../protocol/ids.ts'
import type { ParkingLot } from './parking-lot.ts'
import type { HeldJobs } from './status.ts'

/** Requests for jobs that are not here are remembered for ten minutes: the job may still be on its way. */
const memory = { maxEntries: 10_000, maxAgeMs: 600_000 }

/** How long those that do not hold the job wait before they answer, in milliseconds. */
const holderFirstMs = 200

/** What came of a request: the job was told to stop, or the request waits for the job to arrive. */
export type CancelStatus = 'cancelled' | 'cancel_requested'

/** Cancels jobs, those that are here and those that are yet to come. */
export class Cancellations {
  readonly #held: HeldJobs
  readonly #clock: Clock
  readonly #log: Logger
  readonly #requested: BoundedMap<string, true>
  readonly #lot: Pick<ParkingLot, 'cancel'>

  constructor(held: HeldJobs, lot: Pick<ParkingLot, 'cancel'>, clock: Clock, log: Logger) {
    this.#held = held
    this.#lot = lot
    this.#clock = clock
    this.#log = log
    this.#requested = new BoundedMap(memory, clock)
  }

  /** Hears the requests that are sent to every worker. */
  listen(bus: Bus, subject: string): Subscription {
    return bus.subscribe(subject, (message) => this.#hear(message))
  }

  /** Tells the job to stop, ends it when it waits for people, or remembers to. */
  async cancel(request: CancelRequest): Promise<CancelStatus> {
    const key = jobKey(request)
    const job = this.#held.find(key)
    if (job === undefined) {
      // It may arrive while somebody looks among those that wait for people.
      this.#requested.set(key, true)
      if (!(await this.#lot.cancel(request))) return 'cancel_requested'
      this.#requested.delete(key)
      return 'cancelled'
    }
    if (job.isEnding) return 'cancel_requested'
    job.stop('cancelled')
    return 'cancelled'
  }

  /** Whether the job with this key, which has just arrived, was cancelled before. */
  awaits(key: string): boolean {
    return this.#requested.delete(key)
  }

  #hear(message: Received): void {
    const request = decodeCancel(message.body)
    if (request === undefined) {
      this.#log.warn('A request to cancel could not be read', { context: { bytes: message.body.byteLength } })
      return
    }
    void this.cancel(request).then((status) => {
      const respond = (): void => message.respond(encodeCancelReply(status))
      // Every worker hears the request and the first answer counts: the one that holds the job must be first.
      if (status === 'cancelled') respond()
      else this.#clock.after(holderFirstMs, respond)
    })
  }
}
