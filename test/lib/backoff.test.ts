import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { backoffCeiling, fullJitter } from '../../src/lib/backoff.ts'

test('the ceiling doubles from try to try, up to the longest wait', () => {
  expect([1, 2, 3, 4, 5, 6].map((attempt) => backoffCeiling(attempt, 200, 3000))).toEqual([
    200, 400, 800, 1600, 3000, 3000,
  ])
})

test('the ceiling never falls and never leaves its bounds, however many tries there were', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5000 }), fc.nat(30_000), fc.nat(60_000), (attempt, baseMs, maxMs) => {
      const ceiling = backoffCeiling(attempt, baseMs, maxMs)
      expect(ceiling).toBeGreaterThanOrEqual(0)
      expect(ceiling).toBeLessThanOrEqual(maxMs)
      expect(backoffCeiling(attempt + 1, baseMs, maxMs)).toBeGreaterThanOrEqual(ceiling)
    }),
  )
})

test('jitter is a whole number anywhere from nothing to the ceiling', () => {
  expect(fullJitter(1000, () => 0)).toBe(0)
  expect(fullJitter(1000, () => 0.5)).toBe(500)
  fc.assert(
    fc.property(fc.nat(30_000), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (ceiling, random) => {
      const waitMs = fullJitter(ceiling, () => random)
      expect(Number.isInteger(waitMs)).toBe(true)
      expect(waitMs).toBeGreaterThanOrEqual(0)
      expect(waitMs).toBeLessThanOrEqual(ceiling)
    }),
  )
})
