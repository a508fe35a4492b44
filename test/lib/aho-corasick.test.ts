import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { AhoCorasick } from '../../src/lib/aho-corasick.ts'
import { placesSlowly } from './places.ts'

// Few letters, so that needles overlap and nearly match all the time.
const letters = fc.constantFrom('a', 'b', 'c', '*', 'ß', '\ud83d')
const needle = fc.string({ unit: letters, minLength: 1, maxLength: 9 })

test('finds all places of all needles, those that overlap as one', () => {
  const needles = fc.array(needle, { minLength: 1, maxLength: 30 })
  fc.assert(
    fc.property(needles, fc.string({ unit: letters, maxLength: 60 }), (given, text) => {
      expect(new AhoCorasick(given).places(text)).toEqual(placesSlowly(given, text))
    }),
    { numRuns: 2000 },
  )
})

test('tells a thousand children of a beginning apart', () => {
  const needles = Array.from({ length: 1000 }, (_, n) => `ab${String.fromCharCode(1000 + n)}${n}`)
  const automaton = new AhoCorasick(needles)
  expect(automaton.places(needles.join('-'))).toHaveLength(1000)
  expect(automaton.places(needles.map((each) => each.slice(0, 3)).join('-'))).toEqual([])
})
