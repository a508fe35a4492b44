/** How often requests are tried, and which statuses ask for another try. */
import { z } from 'zod'
import type { Retry } from '../../errors.ts'
import type { RetryPolicy } from '../../handler.ts'
import type { Clock } from '../../lib/clock.ts'
import { isTransient, retryAfterMs } from '../../lib/http-status.ts'
import { statusMatcher } from '../../lib/status-pattern.ts'
import type { Answer } from '../../services/fetch/fetch.ts'
import { fieldsOf } from './bounded.ts'
import { statuses, statusList } from './status-list.ts'

const longestWaitMs = 3_600_000

/** `retry` of an input. */
export const retryField = fieldsOf(
  z.strictObject({
    strategy: z.enum(['exponential', 'linear', 'fixed', 'none']).optional(),
    max_attempts: z.int().min(1).max(20).optional(),
    base_ms: z.int().min(0).max(longestWaitMs).optional(),
    max_ms: z.int().min(0).max(longestWaitMs).optional(),
    jitter: z
      .union([z.boolean(), z.number().min(0).max(1)], { error: 'Not true, false or a share from 0 to 1' })
      .optional(),
    on_status: statuses.optional(),
    respect_retry_after: z.boolean().optional(),
  }),
)

/** What a job says about its tries. */
export type RetryField = z.infer<typeof retryField>

/** Four tries, 200 ms doubling, full jitter. */
const usual: RetryPolicy = { maxAttempts: 4, backoffMs: 200, maxBackoffMs: 30_000 }

/** The job's own word, else what was asked for in its options, else four tries. */
export function retryPolicy(retry: RetryField | undefined, asked: RetryPolicy | undefined): RetryPolicy {
  if (retry === undefined) return asked ?? usual
  const { strategy = 'exponential', jitter = true } = retry
  return {
    maxAttempts: strategy === 'none' ? 1 : (retry.max_attempts ?? usual.maxAttempts),
    backoffMs: retry.base_ms ?? usual.backoffMs,
    maxBackoffMs: retry.max_ms ?? usual.maxBackoffMs,
    strategy: strategy === 'none' ? undefined : strategy,
    jitter: Number(jitter),
  }
}

/** Whether a status that is no success asks for another try, and after which wait. */
export function retryAfter({ status, headers }: Answer, retry: RetryField | undefined, clock: Clock): Retry {
  const onStatus = retry?.on_status === undefined ? isTransient : statusMatcher(statusList(retry.on_status))
  if (onStatus?.(status) !== true) return 'never'
  if (retry?.respect_retry_after === false) return 'backoff'
  const afterMs = retryAfterMs(headers.get('retry-after'), clock.now())
  return afterMs === undefined ? 'backoff' : { afterMs }
}
