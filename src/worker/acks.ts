import type { Bus } from '../bus/bus.ts'
import type { JobError } from '../errors.ts'
import type { Clock } from '../lib/clock.ts'
import { type AckContent, encodeAck, overloadStatus } from '../protocol/ack.ts'
import type { Caller } from '../protocol/assignment.ts'
import type { EnvelopeMode } from '../protocol/envelope.ts'
import { errorMessage } from '../protocol/error-message.ts'

interface Options {
  readonly bus: Pick<Bus, 'emit'>
  readonly subject: string
  readonly envelope: EnvelopeMode
  /** Off for platforms that do not listen to acks. */
  readonly enabled: boolean
  /** How full the queue is, 0 to 1. */
  readonly fill: () => number
  readonly clock: Clock
}

/** Tells callers whether their assignments were let in. */
export class Acks {
  readonly #options: Options

  constructor(options: Options) {
    this.#options = options
  }

  accepted(caller: Caller): void {
    this.#send(caller, { status: 'accepted', message: 'Assignment accepted' })
  }

  rejected(caller: Caller, error: JobError): void {
    this.#send(caller, {
      status: 'rejected',
      message: errorMessage(error),
      mayRepeat: error.code === 'SYSTEM_OVERLOAD',
    })
  }

  #send(caller: Caller, ack: Pick<AckContent, 'status' | 'message' | 'mayRepeat'>): void {
    const { bus, subject, envelope, enabled, fill, clock } = this.#options
    if (!enabled) return
    const content = { ...ack, acknowledgedAt: clock.now(), overloadStatus: overloadStatus(fill()) }
    bus.emit({ subject, ...encodeAck(caller, content, envelope) })
  }
}
