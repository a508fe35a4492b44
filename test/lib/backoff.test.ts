import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { backoffCeiling, jittered } from '../../src/lib/backoff.ts'

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

test('a linear ceiling grows by one base a try, a fixed one not at all', () => {
  const ceilings = (strategy: 'linear' | 'fixed') =>
    [1, 2, 3, 4].map((attempt) => backoffCeiling(attempt, 200, 700, strategy))
  expect(ceilings('linear')).toEqual([200, 400, 600, 700])
  expect(ceilings('fixed')).toEqual([200, 200, 200, 200])
})

test('full jitter is anywhere from nothing to the ceiling, half of it in the upper half, none the ceiling itself', () => {
  expect([0, 0.5, 0.999].map((random) => jittered(1000, 1, () => random))).toEqual([0, 500, 999])
  expect([0, 0.5, 0.999].map((random) => jittered(1000, 0.5, () => random))).toEqual([500, 750, 1000])
  expect(jittered(1000, 0, () => 0.3)).toBe(1000)
})

test('jitter is a whole number that keeps to its share of the ceiling', () => {
  const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
  const share = fc.double({ min: 0, max: 1, noNaN: true })
  fc.assert(
    fc.property(fc.nat(30_000), share, random, (ceiling, part, chance) => {
      const waitMs = jittered(ceiling, part, () => chance)
      expect(Number.isInteger(waitMs)).toBe(true)
      expect(waitMs).toBeGreaterThanOrEqual(Math.floor(ceiling * (1 - part)))
      expect(waitMs).toBeLessThanOrEqual(ceiling)
    }),
  )
})
