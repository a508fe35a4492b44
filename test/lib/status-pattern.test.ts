import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { parseStatusPattern, statusMatcher } from '../../src/lib/status-pattern.ts'

describe('a status pattern', () => {
  test.each([
    ['2xx,3xx', [200, 299, 300, 399], [199, 400, 404]],
    ['404', [404], [403, 405]],
    [' 2XX , 400-403 ', [200, 400, 403], [199, 404]],
    ['any', [100, 200, 599, 999], []],
    ['Any,404', [500], []],
  ])('%p', (text, meant, others) => {
    const matches = parseStatusPattern(text)
    expect(meant.map((status) => matches?.(status))).toEqual(meant.map(() => true))
    expect(others.map((status) => matches?.(status))).toEqual(others.map(() => false))
  })

  test.each(['', ',', '2xx,', 'xx', '20x', '0xx', '99', '1000', '400-', '403-400', '2xx-3xx', 'ok', '2 xx', '404.0'])(
    '%p is none',
    (text) => {
      expect(parseStatusPattern(text)).toBeUndefined()
    },
  )

  test('may be a list of numbers and texts', () => {
    const matches = statusMatcher([200, '404', '5xx'])
    expect([200, 404, 503].every((status) => matches?.(status))).toBe(true)
    expect([201, 403].some((status) => matches?.(status))).toBe(false)
    for (const list of [[], [20], [200.5], [200, '']]) expect(statusMatcher(list)).toBeUndefined()
  })

  test('a range means every status within, and none outside', () => {
    const status = fc.integer({ min: 100, max: 999 })
    fc.assert(
      fc.property(status, status, status, (one, other, asked) => {
        const [from, to] = [Math.min(one, other), Math.max(one, other)]
        expect(parseStatusPattern(`${from}-${to}`)?.(asked)).toBe(asked >= from && asked <= to)
      }),
    )
  })
})
