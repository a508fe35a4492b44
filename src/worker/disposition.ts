import { JobError, type Retry } from '../errors.ts'
import type { Effect, RetryPolicy } from '../handler.ts'
import { backoffCeiling, jittered } from '../lib/backoff.ts'
import type { DeadLetterReason } from '../protocol/dead-letter.ts'
import type { Ending, Failure } from '../protocol/result.ts'
import type { Outcome } from './outcome.ts'

/** The longest wait that another side may ask for, in milliseconds: a job that has no deadline must not be held for days. */
const longestAskedWaitMs = 600_000

/** The least wait after an attempt that did nothing, in milliseconds: what bounds it is time, so it must take some. */
const leastUnchargedMs = 250

/** What is done about the way an attempt ended. */
export type Disposition =
  /** The result is published. */
  | { readonly action: 'complete'; readonly ending: Ending }
  /** It is tried again after a wait. */
  | { readonly action: 'retry'; readonly delayMs: number; readonly error: JobError }
  /** It is dead-lettered, then the result is published. */
  | { readonly action: 'bury'; readonly reason: DeadLetterReason; readonly ending: Ending }
  /** It is kept elsewhere until people have decided; the message is acked. */
  | { readonly action: 'park' }
  /** It goes back to the bus unfinished; `ending` is what is reported when no one else is there to take it. */
  | { readonly action: 'give back'; readonly ending: Ending }

/** What decides beside the outcome. */
export interface Circumstances {
  /** Tries made so far, the one that ended included when it counts. */
  readonly attempts: number
  /** Milliseconds since the first start. */
  readonly elapsedMs: number
  readonly policy: RetryPolicy
  readonly effect: Effect
  /** Milliseconds until the deadline; undefined when there is none. */
  readonly timeLeftMs: number | undefined
  /** From 0 up to 1. */
  readonly random: () => number
}

/** Pure: outcome, attempts, effect -> complete, retry, bury, park or give back. */
export function dispose(outcome: Outcome, circumstances: Circumstances): Disposition {
  switch (outcome.kind) {
    case 'succeeded':
      return { action: 'complete', ending: { status: 'success', output: outcome.output } }
    case 'failed':
      return afterFailure(outcome.error, outcome.error.unsent, circumstances)
    case 'parked':
      return { action: 'park' }
    case 'expired':
      return {
        action: 'bury',
        reason: 'EXPIRED',
        ending: failure(new JobError('DEADLINE_EXCEEDED', 'The deadline had passed before the job could start'), false),
      }
    case 'not-started':
      return outcome.why === 'cancelled' ? cancelled() : giveBack()
    case 'stopped':
      return afterStop(outcome, circumstances)
    default:
      return outcome satisfies never
  }
}

function afterStop(outcome: Outcome & { kind: 'stopped' }, circumstances: Circumstances): Disposition {
  switch (outcome.why) {
    case 'timeout': {
      const error = new JobError('TIMEOUT', 'The job did not end within its time limit')
      // A second attempt must never run beside a first one that does not stop.
      const last = outcome.stuck
        ? { ...circumstances, policy: { ...circumstances.policy, maxAttempts: 1 } }
        : circumstances
      return afterFailure(error, outcome.unsent, last)
    }
    case 'cancelled':
      return cancelled()
    case 'interrupted':
      return mayHaveLeft(outcome.unsent, circumstances.effect)
        ? { action: 'bury', reason: 'INTERRUPTED', ending: outcomeUnknown(interrupted()) }
        : giveBack()
    default:
      return outcome.why satisfies never
  }
}

function afterFailure(error: JobError, unsent: boolean, circumstances: Circumstances): Disposition {
  if (error.retry === 'never') return { action: 'bury', reason: 'JOB_FAILED', ending: failure(error, false) }
  if (mayHaveLeft(unsent, circumstances.effect)) {
    return { action: 'bury', reason: 'JOB_FAILED', ending: outcomeUnknown(error) }
  }
  const delayMs = retryDelay(error.retry, error.uncharged, circumstances)
  const { timeLeftMs = Number.POSITIVE_INFINITY } = circumstances
  const bearable = error.retry === 'backoff' || delayMs <= longestAskedWaitMs
  const wanted = circumstances.policy.codes?.includes(error.code) ?? true
  if (wanted && hasTries(error, circumstances) && bearable && delayMs < timeLeftMs)
    return { action: 'retry', delayMs, error }
  return { action: 'bury', reason: 'JOB_FAILED', ending: failure(error, true) }
}

/** What counts as no try is bounded by time instead, and is not repeated for callers who want one try. */
function hasTries(error: JobError, { attempts, policy, elapsedMs }: Circumstances): boolean {
  if (error.uncharged) return policy.maxAttempts > 1 && elapsedMs < longestAskedWaitMs
  return attempts < policy.maxAttempts
}

function retryDelay(
  retry: Exclude<Retry, 'never'>,
  uncharged: boolean,
  { attempts, policy, random }: Circumstances,
): number {
  if (retry !== 'backoff') return retry.afterMs
  const leastMs = uncharged ? leastUnchargedMs : 0
  const { backoffMs, maxBackoffMs, strategy, jitter = 1 } = policy
  return leastMs + jittered(backoffCeiling(Math.max(1, attempts), backoffMs, maxBackoffMs, strategy), jitter, random)
}

/** A `once` effect that may have left this process must not be repeated. */
function mayHaveLeft(unsent: boolean, effect: Effect): boolean {
  return effect === 'once' && !unsent
}

function failure(error: JobError, retryable: boolean): Failure {
  const timedOut = error.code === 'TIMEOUT' || error.code === 'DEADLINE_EXCEEDED' || error.code === 'APPROVAL_EXPIRED'
  return { status: timedOut ? 'timeout' : 'error', error, retryable }
}

function outcomeUnknown(error: JobError): Ending {
  return { ...failure(error, false), details: { outcome: 'unknown' } }
}

function cancelled(): Disposition {
  const error = new JobError('CANCELLED', 'The job was cancelled')
  return { action: 'complete', ending: { status: 'cancelled', error, retryable: false } }
}

function giveBack(): Disposition {
  return { action: 'give back', ending: failure(interrupted(), true) }
}

function interrupted(): JobError {
  return new JobError('RESOURCE_UNAVAILABLE', 'The worker stopped before the job ended')
}
