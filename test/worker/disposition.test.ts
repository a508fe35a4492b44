import { describe, expect, test } from 'bun:test'
import { type ErrorCode, errorKinds, JobError, type Retry } from '../../src/errors.ts'
import type { Effect } from '../../src/handler.ts'
import { park } from '../../src/handler.ts'
import type { Ending, Failure } from '../../src/protocol/result.ts'
import { type Circumstances, type Disposition, dispose } from '../../src/worker/disposition.ts'

const policy = { maxAttempts: 3, backoffMs: 200, maxBackoffMs: 30_000 }
const usual: Circumstances = {
  attempts: 1,
  elapsedMs: 0,
  policy,
  effect: 'none',
  timeLeftMs: undefined,
  random: () => 0.5,
}

/** The codes that the wire says are tried again, written down a second time. */
const retried = new Set<ErrorCode>([
  'RESOURCE_UNAVAILABLE',
  'DB_CONNECTION_ERROR',
  'HTTP_REQUEST_FAILED',
  'GRAPHQL_REQUEST_FAILED',
  'CONNECTION_TIMEOUT',
  'SYSTEM_OVERLOAD',
  'TIMEOUT',
])
const timeouts = new Set<ErrorCode>(['TIMEOUT', 'DEADLINE_EXCEEDED', 'APPROVAL_EXPIRED'])
const effects: readonly Effect[] = ['none', 'idempotent', 'once']
// The keys of a literal object are its codes.
const codes = Object.keys(errorKinds) as ErrorCode[]

function failureOf(disposition: Disposition): Failure {
  if (!('ending' in disposition) || disposition.ending.status === 'success') throw new Error('no failure')
  return disposition.ending
}

interface Case {
  readonly code: ErrorCode
  readonly effect: Effect
  readonly unsent: boolean
  readonly attempts: number
  readonly timeLeftMs: number | undefined
}

const cases: Case[] = codes.flatMap((code) =>
  effects.flatMap((effect) =>
    [false, true].flatMap((unsent) =>
      [1, 2, 3, 4].flatMap((attempts) =>
        // With random at a half and a base of 200 the waits are 100, 200, 400, 800: the deadline falls on each side.
        [undefined, 0, 100, 101, 400, 10_000].map((timeLeftMs) => ({ code, effect, unsent, attempts, timeLeftMs })),
      ),
    ),
  ),
)

function expected({ code, effect, unsent, attempts, timeLeftMs }: Case): Partial<Disposition> & { why?: unknown } {
  const status = timeouts.has(code) ? 'timeout' : 'error'
  const buried = (retryable: boolean, details?: object) => ({
    action: 'bury' as const,
    reason: 'JOB_FAILED' as const,
    // Only what decides is compared; the error itself is checked beside it.
    ending: { status, retryable, ...(details && { details }) } as unknown as Ending,
  })
  if (!retried.has(code)) return buried(false)
  if (effect === 'once' && !unsent) return buried(false, { outcome: 'unknown' })
  const delayMs = 100 * 2 ** (attempts - 1)
  const again = attempts < policy.maxAttempts && (timeLeftMs === undefined || delayMs < timeLeftMs)
  return again ? { action: 'retry', delayMs } : buried(true)
}

describe('a failed attempt', () => {
  test('the table holds every code', () => {
    expect(codes.length).toBe(36)
    expect(cases.length).toBe(36 * 3 * 2 * 4 * 6)
  })

  test.each(codes)('%s, for each effect, count of tries and deadline', (code) => {
    for (const row of cases.filter((each) => each.code === code)) {
      const error = new JobError(code, 'It failed', { unsent: row.unsent })
      const disposition = dispose({ kind: 'failed', error }, { ...usual, ...row })
      expect({ row, disposition }).toMatchObject({ row, disposition: expected(row) })
      const said = disposition.action === 'retry' ? disposition.error : failureOf(disposition).error
      expect(said).toBe(error)
      if (disposition.action !== 'retry' && row.effect !== 'once') {
        expect(failureOf(disposition)).not.toHaveProperty('details')
      }
    }
  })

  test.each([
    ['never', 'HTTP_REQUEST_FAILED', 'bury', false],
    ['backoff', 'HTTP_ERROR', 'retry', undefined],
    [{ afterMs: 7000 }, 'HTTP_ERROR', 'retry', undefined],
    ['backoff', 'DB_QUERY_ERROR', 'retry', undefined],
  ] as const)('its own word on retries, %p, outranks that of %s', (retry, code, action, retryable) => {
    const error = new JobError(code, 'It failed', { retry: retry satisfies Retry })
    const disposition = dispose({ kind: 'failed', error }, usual)
    expect(disposition.action).toBe(action)
    if (retryable !== undefined) expect(failureOf(disposition).retryable).toBe(retryable)
    if (typeof retry === 'object') expect(disposition).toMatchObject({ delayMs: 7000 })
  })

  test('waits between nothing and a ceiling that doubles up to the longest', () => {
    const error = new JobError('HTTP_REQUEST_FAILED', 'It failed')
    const often = { maxAttempts: 100, backoffMs: 200, maxBackoffMs: 30_000 }
    const delays = [1, 2, 3, 8, 9, 50].map((attempts) =>
      dispose({ kind: 'failed', error }, { ...usual, policy: often, attempts, random: () => 0.999_999_9 }),
    )
    expect(delays).toMatchObject([200, 400, 800, 25_600, 30_000, 30_000].map((delayMs) => ({ delayMs })))
    expect(dispose({ kind: 'failed', error }, { ...usual, random: () => 0 })).toMatchObject({ delayMs: 0 })
  })

  test('the strategy and the jitter of the policy shape the waits', () => {
    const error = new JobError('HTTP_REQUEST_FAILED', 'It failed')
    const shaped = { maxAttempts: 100, backoffMs: 200, maxBackoffMs: 30_000, strategy: 'linear', jitter: 0.5 } as const
    const delays = [1, 2, 3].map((attempts) =>
      dispose({ kind: 'failed', error }, { ...usual, policy: shaped, attempts, random: () => 0 }),
    )
    expect(delays).toMatchObject([100, 200, 300].map((delayMs) => ({ delayMs })))
  })

  test('a policy that names codes has only these tried again; the caller is still told what may help', () => {
    const named = { ...usual, policy: { ...policy, codes: ['DB_QUERY_ERROR', 'RESOURCE_UNAVAILABLE'] as const } }
    const after = (error: JobError) => dispose({ kind: 'failed', error }, named)
    expect(after(new JobError('DB_QUERY_ERROR', 'It failed', { retry: 'backoff' })).action).toBe('retry')
    expect(after(new JobError('DB_QUERY_ERROR', 'It failed')).action).toBe('bury')
    expect(after(new JobError('RESOURCE_UNAVAILABLE', 'Busy', { uncharged: true })).action).toBe('retry')
    const other = after(new JobError('HTTP_REQUEST_FAILED', 'It failed'))
    expect(other.action).toBe('bury')
    expect(failureOf(other).retryable).toBe(true)
    const late = dispose({ kind: 'stopped', why: 'timeout', unsent: true, stuck: false }, named)
    expect(failureOf(late)).toMatchObject({ status: 'timeout', retryable: true })
    expect(dispose({ kind: 'stopped', why: 'timeout', unsent: true, stuck: false }, usual).action).toBe('retry')
  })

  test('a wait asked for is kept up to ten minutes; beyond, the caller is told that another try may help', () => {
    const after = (afterMs: number) =>
      dispose({ kind: 'failed', error: new JobError('HTTP_ERROR', 'Busy', { retry: { afterMs } }) }, usual)
    expect(after(600_000)).toMatchObject({ action: 'retry', delayMs: 600_000 })
    expect(failureOf(after(600_001))).toMatchObject({ status: 'error', retryable: true })
  })

  test('an attempt that did nothing uses up no try, for ten minutes; a caller who wants one try is told at once', () => {
    const error = new JobError('RESOURCE_UNAVAILABLE', 'Busy', {
      uncharged: true,
      unsent: true,
      retry: { afterMs: 50 },
    })
    const outcome = { kind: 'failed', error } as const
    for (const attempts of [0, 3, 7]) {
      expect(dispose(outcome, { ...usual, attempts, effect: 'once' })).toMatchObject({ action: 'retry', delayMs: 50 })
    }
    const backoff = new JobError('RESOURCE_UNAVAILABLE', 'Busy', { uncharged: true })
    const hurried = { ...usual, policy: { ...policy, backoffMs: 0 }, attempts: 0 }
    expect(dispose({ kind: 'failed', error: backoff }, hurried)).toMatchObject({ delayMs: 250 })
    expect(dispose(outcome, { ...usual, elapsedMs: 600_000 }).action).toBe('bury')
    expect(dispose(outcome, { ...usual, timeLeftMs: 50 }).action).toBe('bury')
    const single = { ...policy, maxAttempts: 1 }
    expect(failureOf(dispose(outcome, { ...usual, attempts: 0, policy: single }))).toMatchObject({ retryable: true })
  })
})

describe('other endings', () => {
  test('what waits for people is parked', () => {
    const inquiry = park({
      ...{ prompt: 'Shall we?', options: ['Approve'], approveOptions: ['Approve'], required: 1, approvers: [] },
      ...{ requester: undefined, noSelfApproval: false, expiresInMs: undefined, onTimeout: 'expire' },
      ...{ remindAfterMs: undefined, escalation: undefined, callbackUrl: undefined },
    }).inquiry
    expect(dispose({ kind: 'parked', inquiry }, usual)).toEqual({ action: 'park' })
  })

  test('a success is complete', () => {
    const disposition = dispose({ kind: 'succeeded', output: { n: 1 } }, usual)
    expect(disposition).toEqual({ action: 'complete', ending: { status: 'success', output: { n: 1 } } })
  })

  test('a deadline that passed before the start is EXPIRED, and not worth another try', () => {
    const disposition = dispose({ kind: 'expired' }, usual)
    expect(disposition).toMatchObject({ action: 'bury', reason: 'EXPIRED' })
    expect(failureOf(disposition)).toMatchObject({ status: 'timeout', retryable: false })
    expect(failureOf(disposition).error.code).toBe('DEADLINE_EXCEEDED')
  })

  test.each(effects)(
    'a cancelled job of effect %s ends as cancelled, unburied, before and after its start',
    (effect) => {
      for (const outcome of [
        { kind: 'not-started', why: 'cancelled' },
        { kind: 'stopped', why: 'cancelled', unsent: false, stuck: false },
        { kind: 'stopped', why: 'cancelled', unsent: true, stuck: true },
      ] as const) {
        const disposition = dispose(outcome, { ...usual, effect })
        expect(disposition.action).toBe('complete')
        expect(failureOf(disposition)).toMatchObject({ status: 'cancelled', retryable: false })
        expect(failureOf(disposition).error.code).toBe('CANCELLED')
      }
    },
  )

  test('a job that had not started is given back, whatever its effect', () => {
    for (const effect of effects) {
      const disposition = dispose({ kind: 'not-started', why: 'interrupted' }, { ...usual, effect })
      expect(disposition.action).toBe('give back')
      expect(failureOf(disposition)).toMatchObject({ status: 'error', retryable: true })
      expect(failureOf(disposition).error.code).toBe('RESOURCE_UNAVAILABLE')
    }
  })

  test.each([
    ['none', false, 'give back'],
    ['none', true, 'give back'],
    ['idempotent', false, 'give back'],
    ['once', true, 'give back'],
    ['once', false, 'bury'],
  ] as const)('interrupted with effect %s, unsent %p: %s', (effect, unsent, action) => {
    const disposition = dispose({ kind: 'stopped', why: 'interrupted', unsent, stuck: false }, { ...usual, effect })
    expect(disposition.action).toBe(action)
    const { error, retryable, details } = failureOf(disposition)
    expect(error.code).toBe('RESOURCE_UNAVAILABLE')
    expect(retryable).toBe(action === 'give back')
    expect(details).toEqual(action === 'bury' ? { outcome: 'unknown' } : undefined)
    if (disposition.action === 'bury') expect(disposition.reason).toBe('INTERRUPTED')
  })

  test.each([
    ['none', false, 1, 'retry', undefined],
    ['none', false, 3, 'bury', true],
    ['once', false, 1, 'bury', false],
    ['once', true, 1, 'retry', undefined],
    ['none', true, 1, 'retry', undefined],
  ] as const)('out of time with effect %s, unsent %p, try %i: %s', (effect, unsent, attempts, action, retryable) => {
    const outcome = { kind: 'stopped', why: 'timeout', unsent, stuck: false } as const
    const disposition = dispose(outcome, { ...usual, effect, attempts })
    expect(disposition.action).toBe(action)
    if (retryable === undefined) return
    expect(failureOf(disposition)).toMatchObject({ status: 'timeout', retryable })
    expect(failureOf(disposition).error.code).toBe('TIMEOUT')
  })

  test.each(effects)('a stuck handler of effect %s gets no second attempt beside it', (effect) => {
    const outcome = { kind: 'stopped', why: 'timeout', unsent: false, stuck: true } as const
    const disposition = dispose(outcome, { ...usual, effect })
    expect(disposition).toMatchObject({ action: 'bury', reason: 'JOB_FAILED' })
    expect(failureOf(disposition).error.code).toBe('TIMEOUT')
  })

  test.each(effects)('a stuck handler of effect %s that is interrupted goes like any other', (effect) => {
    const outcome = { kind: 'stopped', why: 'interrupted', unsent: false, stuck: true } as const
    const disposition = dispose(outcome, { ...usual, effect })
    if (effect === 'once') expect(disposition).toMatchObject({ action: 'bury', reason: 'INTERRUPTED' })
    else expect(disposition.action).toBe('give back')
  })
})
