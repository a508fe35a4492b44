import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { isName, isSamePerson, personKey } from '../../src/lib/person.ts'

test.each([
  ['case', 'RITA'],
  ['blanks', '\u00a0rita '],
  ['a blank of no width', 'rita\u200b'],
  ['a soft hyphen', 'ri\u00adta'],
  ['full width', '\uff52\uff49\uff54\uff41'],
  ['a mark of direction', '\u202erita'],
  ['a control character', 'rita\u0001'],
  ['a tag', 'rita\u{e0041}'],
])('%s does not make another person', (_, name) => {
  expect(isSamePerson(name, 'rita')).toBe(true)
})

test.each(['', ' ', '\u3164', '\u200b', '\u2800', '\u00ad\u00a0', '\u0000', 'rita\u200b', 'rita\n', '\ud800'])(
  '%j is no name',
  (text) => {
    expect(isName(text)).toBe(false)
  },
)

test.each(['rita', 'Änn <ann@example.org>', '李雷', 'O’Neil-Ray', 'renée', 'a b'])('%s is a name', (text) => {
  expect(isName(text)).toBe(true)
})

test('blanks within a name are one', () => {
  expect(isSamePerson('rita  b', 'rita\u00a0b')).toBe(true)
  expect(isSamePerson('rita b', 'ritab')).toBe(false)
})

test('the key of a key is that key', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (name) => {
      expect(personKey(personKey(name))).toBe(personKey(name))
    }),
  )
})
