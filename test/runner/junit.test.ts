import { describe, expect, test } from 'bun:test'
import { noTests, sum, summaryLine, totalsOf } from './junit.ts'

describe('totals', () => {
  test('are read from the root of a report, not from its suites', () => {
    const report = `<?xml version="1.0"?>
<testsuites name="bun test" tests="7" assertions="9" failures="2" skipped="1" time="0.1">
  <testsuite name="a" tests="70" failures="20" skipped="10">`
    expect(totalsOf(report)).toEqual({ passed: 4, failed: 2, skipped: 1 })
  })

  test('of something else are unknown', () => {
    expect(totalsOf('')).toBeUndefined()
  })

  test('add up', () => {
    const one = { passed: 1, failed: 2, skipped: 3 }
    expect(sum(sum(noTests, one), one)).toEqual({ passed: 2, failed: 4, skipped: 6 })
  })

  test('are one plain line; skipped tests are named only when there are any', () => {
    expect(summaryLine({ passed: 3, failed: 0, skipped: 0 })).toBe('3 passed, 0 failed')
    expect(summaryLine({ passed: 3, failed: 1, skipped: 2 })).toBe('3 passed, 1 failed, 2 skipped')
  })
})
