import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { isTransient, retryAfterMs } from '../../src/lib/http-status.ts'

test('408, 425, 429 and all from 500 on ask for another try', () => {
  const statuses = Array.from({ length: 500 }, (_, index) => 100 + index)
  expect(statuses.filter(isTransient)).toEqual([408, 425, 429, ...statuses.filter((status) => status >= 500)])
})

describe('Retry-After', () => {
  const now = Date.UTC(2026, 0, 1)

  test.each([
    [null, undefined],
    ['', undefined],
    ['0', undefined],
    ['5', 5000],
    [' 7 ', 7000],
    ['1e3', undefined],
    ['2026', 2_026_000],
    ['12345678901', undefined],
    ['2026-01-02', undefined],
    ['never', undefined],
    ['Thu, 01 Jan 2026 00:01:00 GMT', 60_000],
    ['Thu, 01 Jan 2026 00:00:00 GMT', undefined],
  ])('%j', (header, ms) => {
    expect(retryAfterMs(header, now)).toBe(ms)
  })

  test('written as a date is the time until then', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10_000_000 }), (seconds) => {
        expect(retryAfterMs(new Date(now + seconds * 1000).toUTCString(), now)).toBe(seconds * 1000)
      }),
    )
  })
})
