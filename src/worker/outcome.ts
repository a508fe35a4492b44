import type { JobError } from '../errors.ts'
import type { Inquiry } from '../handler.ts'

/** Why a running attempt is told to stop. */
export type StopCause = 'timeout' | 'cancelled' | 'interrupted'

/** The reason of an attempt's abort signal. */
export class Stop extends Error {
  override readonly name = 'Stop'
  readonly why: StopCause

  constructor(why: StopCause) {
    super(why)
    this.why = why
  }
}

/** How an attempt ended. */
export type Outcome =
  | { readonly kind: 'succeeded'; readonly output: unknown }
  | { readonly kind: 'failed'; readonly error: JobError }
  /** It waits for people: before the record is kept, and when it is. */
  | { readonly kind: 'parked'; readonly inquiry: Inquiry }
  | {
      readonly kind: 'stopped'
      readonly why: StopCause
      /** The handler says that its effect certainly did not leave this process. */
      readonly unsent: boolean
      /** The handler ignored its signal and is still running. */
      readonly stuck: boolean
    }
  /** The deadline had passed before the attempt could start. */
  | { readonly kind: 'expired' }
  /** It was told to stop before it started. */
  | { readonly kind: 'not-started'; readonly why: 'cancelled' | 'interrupted' }
