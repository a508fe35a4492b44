import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { firstOf } from '../../src/lib/first-of.ts'

test('is what sorting and cutting gives, equals in the order they came', () => {
  const item = fc.record({ rank: fc.integer({ min: 0, max: 9 }), name: fc.string() })
  fc.assert(
    fc.property(fc.array(item), fc.integer({ min: 0, max: 20 }), (items, limit) => {
      const compare = (a: { rank: number }, b: { rank: number }): number => a.rank - b.rank
      expect(firstOf(items, limit, compare)).toEqual(items.toSorted(compare).slice(0, limit))
    }),
  )
})
