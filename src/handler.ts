/** THE extension point: what a job type is. To add one, write a file in `handlers/` and name it in `handlers/index.ts`. */
import type { z } from 'zod'
import type { ErrorCode } from './errors.ts'
import type { BackoffStrategy } from './lib/backoff.ts'
import type { Clock } from './lib/clock.ts'
import type { Logger } from './observe/logger.ts'

/**
 * May an input be run again?
 * - `none`: it changes nothing outside.
 * - `idempotent`: running it twice leaves the world as running it once.
 * - `once`: a second run may do harm, so it is not repeated once it may have left the process.
 */
export type Effect = 'none' | 'idempotent' | 'once'

/** Which slots a job takes: `cpu` for what computes, `io` for what waits. */
export type Pool = 'cpu' | 'io'

/** How often, and how far apart, a job is tried. */
export interface RetryPolicy {
  /** All tries, the first included; at least 1. */
  readonly maxAttempts: number
  /** The base of the waits between tries, in milliseconds. */
  readonly backoffMs: number
  /** The longest wait between two tries, in milliseconds. */
  readonly maxBackoffMs: number
  /** How the waits grow from the base; doubling when it is not said. */
  readonly strategy?: BackoffStrategy | undefined
  /** The share of each wait that is left to chance, 0 to 1; all of it when it is not said. */
  readonly jitter?: number | undefined
  /** The only errors that are tried again; all that may be when it is not said. */
  readonly codes?: readonly ErrorCode[] | undefined
}

/** What a handler is given beside its input. */
export interface JobContext {
  /** Aborts when the time is up, the job is cancelled or the worker stops. The handler must settle within 100 ms. */
  readonly signal: AbortSignal
  readonly clock: Clock
  /** Logs with the job's ids. */
  readonly log: Logger
  readonly assignmentId: string
  readonly tenantId: string
  /** Who asked, when the caller said so. */
  readonly userId: string | undefined
  /** Which try this is, from 1. */
  readonly attempt: number
  /** What an output has to fit into, in bytes of JSON, with what else a result says. */
  readonly maxOutputBytes: number
  /**
   * The time limit of this attempt stands still: for a handler that waits for its turn elsewhere. The deadline stays.
   * Pausing twice is pausing once.
   */
  pauseTime(): void
  /** The time limit goes on, if it stood still. Returns how many milliseconds are left now. */
  resumeTime(): number
  /** How many milliseconds this attempt has left, by its time limit and the deadline; 0 when it is over. */
  timeLeftMs(): number
}

/** What people are asked. Times are in milliseconds from the moment in which the job begins to wait. */
export interface Inquiry {
  readonly prompt: string
  readonly options: readonly string[]
  /** The options that mean yes. */
  readonly approveOptions: readonly string[]
  /** How many have to choose the same option. */
  readonly required: number
  /** Who may answer; empty: whoever is let in. */
  readonly approvers: readonly string[]
  readonly requester: string | undefined
  /** Whoever asks may not answer. */
  readonly noSelfApproval: boolean
  /** How long people may take; undefined: the job's own limit, else a day. */
  readonly expiresInMs: number | undefined
  /** What becomes of it when nobody has decided by then. */
  readonly onTimeout: 'expire' | { readonly option: string }
  readonly remindAfterMs: number | undefined
  readonly escalation: { readonly afterMs: number; readonly approvers: readonly string[] } | undefined
  /** Where the asker wants to be told. */
  readonly callbackUrl: string | undefined
}

/** What a handler returns whose job waits for people: without a slot, for days if need be. Only data. */
export class Parked {
  readonly inquiry: Inquiry

  constructor(inquiry: Inquiry) {
    this.inquiry = inquiry
  }
}

/** Lets the job wait for people; what they decide becomes its output. */
export function park(inquiry: Inquiry): Parked {
  return new Parked(inquiry)
}

/** A job type: what it takes, what it gives, and how it behaves under failure. */
export interface Handler<I extends z.ZodType = z.ZodType, O extends z.ZodType = z.ZodType> {
  /** The canonical name on the wire. */
  readonly type: string
  /** Other spellings that callers use; a result repeats the one that was asked for. */
  readonly aliases?: readonly string[]
  /** One sentence for the reference. */
  readonly summary: string
  readonly pool: Pool
  /** May this input be run again after it may have had its effect? */
  effect(input: z.infer<I>): Effect
  /**
   * What sandbox mode does with it: `run` only what touches nothing outside the process; everything else answers with
   * its `sample`.
   */
  readonly sandbox: 'run' | 'sample'
  readonly input: I
  readonly output: O
  /** An input that runs. */
  readonly example: z.input<I>
  /** An output in sandbox mode; also the reference's example. */
  readonly sample: z.infer<O>
  /** The output in sandbox mode where it depends on the input; undefined: the sample. */
  sampleFor?(input: z.infer<I>): z.infer<O> | undefined
  /** Its own limit for one attempt in milliseconds, for callers who set none. */
  readonly timeoutMs?: number
  /** Its own word on retries, given what the caller asked for in `options.retry`; without this, the caller's word, else one try. */
  retry?(input: z.infer<I>, asked: RetryPolicy | undefined): RetryPolicy
  run(input: z.infer<I>, context: JobContext): Promise<z.infer<O> | Parked>
}

/** Declares a handler with its types inferred from its schemas. */
export function defineHandler<I extends z.ZodType, O extends z.ZodType>(handler: Handler<I, O>): Handler<I, O> {
  return handler
}
