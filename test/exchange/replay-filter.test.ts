import { expect, test } from 'bun:test'
import { type DeadLetterFilter, isAskedFor, readReasons, readTime } from '../../src/exchange/replay-filter.ts'
import { letter } from '../support/letters.ts'

const now = Date.parse('2026-06-01T12:00:00Z')

test.each([
  ['2h', '2026-06-01T10:00:00Z'],
  ['3d', '2026-05-29T12:00:00Z'],
  ['90000', '2026-06-01T11:58:30Z'],
  ['2026-05-31', '2026-05-31T00:00:00Z'],
  ['2024-02-29', '2024-02-29T00:00:00Z'],
  ['2026-05-31T10:00:00.5Z', '2026-05-31T10:00:00.5Z'],
  ['2026-05-31t10:00:00+02:00', '2026-05-31T08:00:00Z'],
  ['2026-05-31 10:00:00Z', '2026-05-31T10:00:00Z'],
])('the time %s', (text, expected) => {
  expect(readTime(text, now)).toBe(Date.parse(expected))
})

test.each([
  ...['', 'yesterday', '2 hours', '-2h', '2026-13-01', '2026-05-31T10:00:00', '01/02/2026'],
  ...['2026-02-30', '2026-02-29', '2026-04-31T10:00:00Z', '2026-06-31 10:00:00+14:00', '2026-05-30T24:00:00Z'],
])('no time: %p', (text) => {
  expect(readTime(text, now)).toBeUndefined()
})

test('reasons', () => {
  expect(readReasons('job_failed, PUBLISH_ERROR')).toEqual(new Set(['JOB_FAILED', 'PUBLISH_ERROR']))
  for (const text of ['', 'JOB_FAILED,', 'FAILED']) expect(readReasons(text)).toBeUndefined()
})

test('each condition narrows', () => {
  const record = { ...letter({ timestamp: now, reason: 'EXPIRED' }), job_type: 'echo' }
  const isIn = (filter: DeadLetterFilter) => isAskedFor({ record, mark: undefined, rejected: false }, filter)
  const fits: readonly DeadLetterFilter[] = [
    {},
    { reasons: new Set(['EXPIRED']), type: 'echo', tenant: 'acme', sinceMs: now, beforeMs: now + 1 },
  ]
  const fails: readonly DeadLetterFilter[] = [
    { reasons: new Set(['JOB_FAILED']) },
    { type: 'sleep' },
    { tenant: 'other' },
    { sinceMs: now + 1 },
    { beforeMs: now },
    { state: 'replayed' },
    { state: 'begun' },
  ]
  expect(fits.map(isIn)).toEqual([true, true])
  expect(fails.map(isIn)).toEqual(fails.map(() => false))
  const states = (['done', 'begun', 'failed'] as const).map((state) => {
    const mark = { state, at: '', by: '', n: 1 }
    return (['open', 'begun', 'replayed'] as const).find((each) =>
      isAskedFor({ record, mark, rejected: false }, { state: each }),
    )
  })
  expect(states).toEqual(['replayed', 'begun', 'open'])
})
