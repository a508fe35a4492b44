import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { NeedleSearch, type Span } from '../../src/lib/needle-search.ts'

/** The law, slowly: the first place, and there the longest needle. */
function slowly(needles: readonly string[], text: string, from: number): Span | undefined {
  for (let start = from; start < text.length; start++) {
    const here = needles.filter((needle) => text.startsWith(needle, start)).map(({ length }) => length)
    if (here.length > 0) return { start, end: start + Math.max(...here) }
  }
  return undefined
}

// Few letters, so that needles overlap and nearly match all the time.
const letters = fc.constantFrom('a', 'b', '*', 'ß', '\ud83d')
const needle = fc.string({ unit: letters, minLength: 4, maxLength: 9 })
const hay = fc.string({ unit: letters, maxLength: 60 })

describe('NeedleSearch', () => {
  test('finds the first of the needles, the longest where several begin', () => {
    fc.assert(
      fc.property(fc.array(needle, { minLength: 1, maxLength: 8 }), hay, fc.nat(10), (needles, text, from) => {
        expect(new NeedleSearch(needles).find(text, from)).toEqual(slowly(needles, text, from))
      }),
      { numRuns: 2000 },
    )
  })

  test('finds what was added later, unless it is too short to be', () => {
    fc.assert(
      fc.property(fc.array(needle, { minLength: 1 }), fc.array(needle), hay, (first, later, text) => {
        const search = new NeedleSearch(first)
        const shortest = Math.min(...first.map(({ length }) => length))
        const added = later.filter((each) => search.add(each))
        expect(added).toEqual(later.filter(({ length }) => length >= shortest))
        expect(search.find(text)).toEqual(slowly([...first, ...added], text, 0))
      }),
    )
  })

  test('copes with needles longer than its table counts', () => {
    const long = 'x'.repeat(1000)
    const search = new NeedleSearch([`${long}1`, `${long}2`])
    expect(search.find(`${'y'.repeat(3000)}${long}2`)).toEqual({ start: 3000, end: 4001 })
    expect(search.find(`${'y'.repeat(3000)}${long}3`)).toBeUndefined()
  })
})
