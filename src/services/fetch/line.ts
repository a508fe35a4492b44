import { JobError } from '../../errors.ts'
import type { Clock } from '../../lib/clock.ts'

/** Short, for a server that closes a connection at the moment a request is sent on it leaves everybody in doubt. */
const idleSeconds = 4

type Stop = (reason: JobError) => void

/** The connections that exchanges share, kept open for a while, and the exchanges that are under way on them. */
export class Line {
  readonly clock: Clock
  readonly session = new Bun.FetchSession({ proxy: false, keepAlive: { idleTimeout: idleSeconds } })
  readonly #underWay = new Set<Stop>()
  #isClosed = false

  constructor(clock: Clock) {
    this.clock = clock
  }

  /** From now until `leave` closing the line calls it. Throws RESOURCE_UNAVAILABLE, unsent, when it is closed. */
  enter(stop: Stop): void {
    if (this.#isClosed) throw closed(true)
    this.#underWay.add(stop)
  }

  leave(stop: Stop): void {
    this.#underWay.delete(stop)
  }

  /** Ends what is under way with RESOURCE_UNAVAILABLE; nothing new is begun. */
  close(): void {
    this.#isClosed = true
    for (const stop of this.#underWay) stop(closed(false))
  }
}

function closed(unsent: boolean): JobError {
  return new JobError('RESOURCE_UNAVAILABLE', 'No more requests are made, for the process ends', { unsent })
}
