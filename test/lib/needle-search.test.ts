import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { NeedleSearch } from '../../src/lib/needle-search.ts'
import { processorMs } from '../support/processor-time.ts'
import { placesSlowly } from './places.ts'

// Few letters, so that needles overlap and nearly match all the time.
const letters = fc.constantFrom('a', 'b', '*', 'ß', '\ud83d')
const needle = fc.string({ unit: letters, minLength: 4, maxLength: 9 })
const hay = fc.string({ unit: letters, maxLength: 60 })

describe('NeedleSearch', () => {
  test('finds all places of all needles, those that overlap as one', () => {
    fc.assert(
      fc.property(fc.array(needle, { minLength: 1, maxLength: 8 }), hay, (needles, text) => {
        expect(new NeedleSearch(needles).places(text)).toEqual(placesSlowly(needles, text))
      }),
      { numRuns: 2000 },
    )
  })

  test('finds the same where a text nearly matches all the time', () => {
    fc.assert(
      fc.property(fc.array(needle, { minLength: 1, maxLength: 8 }), hay, (needles, part) => {
        const text = `${part}aaab`.repeat(200)
        const given = [...needles, 'aaaaaaaa', 'aaab'.repeat(50)]
        expect(new NeedleSearch(given).places(text)).toEqual(placesSlowly(given, text))
      }),
      { numRuns: 50 },
    )
  })

  test('copes with needles longer than its window', () => {
    const long = 'x'.repeat(1000)
    const search = new NeedleSearch([`${long}1`, `${long}2`])
    expect(search.places(`${'y'.repeat(3000)}${long}2`)).toEqual([{ start: 3000, end: 4001 }])
    expect(search.places(`${'y'.repeat(3000)}${long}3`)).toEqual([])
  })

  // Comparing at each place with each needle would take minutes for the first of them.
  test.each([
    ['that begin alike', Array.from({ length: 800 }, (_, n) => `${'QUFB'.repeat(300)}${n}`), 'QUFB'],
    ['that are long and repeat themselves', [`${'A'.repeat(16_000)}B`, `${'A'.repeat(8000)}C`], 'A'],
    ['that match everywhere', Array.from({ length: 40 }, (_, n) => 'A'.repeat(4 + 100 * n)), 'A'],
    ['of one beginning', Array.from({ length: 90 }, (_, n) => `AAA${String.fromCharCode(33 + n)}`), 'AAA~AAA}AAA|A'],
  ])('is not slowed down by needles %s', (_, needles, part) => {
    const search = new NeedleSearch(needles)
    const text = part.repeat(Math.ceil(10_000_000 / part.length))
    // It takes about 60 ms.
    expect(processorMs(() => search.places(text))).toBeLessThan(1500)
  })
})
