/** Text of any length is treated as the runtime treats it, although it is done in parts and with a search of our own. */
import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { evaluate } from '../../../src/services/jmespath/evaluator.ts'
import { jsonText } from '../../../src/services/jmespath/json-text.ts'
import type { Json } from '../../../src/services/jmespath/json-value.ts'
import { Meter } from '../../../src/services/jmespath/meter.ts'
import { lastOccurrence, searchFor } from '../../../src/services/jmespath/occurrences.ts'
import { parse } from '../../../src/services/jmespath/parser.ts'

const endless = () => new Meter({ steps: 1000, size: 1e9, refill: () => true })
const search = (expression: string, over: Json) => evaluate(parse(expression), over, endless())

/** Text made of few pieces again and again: long, and full of what nearly occurs in it. */
const piece = fc.constantFrom('a', 'ab', 'ba', 'aab', 'Σ', '.', ' ', 'Ѐ', '😀', '\ud83d', '\u0001', 'abab'.repeat(9))
const periodic = fc
  .array(fc.tuple(fc.array(piece, { minLength: 1, maxLength: 4 }), fc.integer({ min: 1, max: 60 })), { maxLength: 6 })
  .map((parts) => parts.map(([unit, times]) => unit.join('').repeat(times)).join(''))
const long = fc
  .tuple(periodic, fc.integer({ min: 1, max: 300 }))
  .map(([text, times]) => text.repeat(times).slice(0, 60_000))
const text = fc.oneof({ weight: 3, arbitrary: periodic }, long)

/** A text, and one that may well occur in it. */
const searched = fc
  .tuple(text, fc.nat(), fc.nat(400), fc.oneof(fc.constant(''), piece))
  .map(([where, from, length, end]) => [where, where.slice(from % (where.length + 1)).slice(0, length) + end] as const)

const points = (of: string) => Array.from(of)

describe('one text in another', () => {
  test('is found where the runtime finds it', () => {
    fc.assert(
      fc.property(searched, fc.nat(100), ([where, sought], from) => {
        fc.pre(sought !== '')
        expect(searchFor(sought, endless())(where, from)).toBe(where.indexOf(sought, from))
        expect(lastOccurrence(where, sought, endless())).toBe(where.lastIndexOf(sought))
        expect(search('contains(@[0], @[1])', [where, sought])).toBe(where.includes(sought))
      }),
      { numRuns: 1000 },
    )
  })

  test('across the ends of what is searched at once', () => {
    for (const length of [1, 2, 64, 65, 1000]) {
      const sought = `b${'a'.repeat(length - 1)}`
      for (const before of [16_384, 32_768].flatMap((end) => [end - length, end - 1, end, end + 1])) {
        const where = `${'a'.repeat(before)}${sought}${'a'.repeat(40_000)}`
        expect(searchFor(sought, endless())(where, 0)).toBe(before)
        expect(lastOccurrence(where, sought, endless())).toBe(before)
        const turned = `${'a'.repeat(40_000)}${sought}${'a'.repeat(before)}`
        expect(lastOccurrence(turned, sought, endless())).toBe(40_000)
      }
    }
  })

  test('cuts it, and is replaced', () => {
    fc.assert(
      fc.property(searched, fc.nat(5), ([where, sought], most) => {
        fc.pre(sought !== '')
        const parts = where.split(sought)
        expect(search('split(@[0], @[1])', [where, sought])).toEqual(parts)
        expect(search("replace(@[0], @[1], '$&')", [where, sought])).toBe(parts.join('$&'))
        const some = [...parts.slice(0, most), ...(parts.length > most ? [parts.slice(most).join(sought)] : [])]
        expect(search('split(@[0], @[1], @[2])', [where, sought, most])).toEqual(some)
        expect(search("replace(@[0], @[1], '$&', @[2])", [where, sought, most])).toBe(some.join('$&'))
      }),
    )
  })
})

describe('code points', () => {
  test('are counted, cut, turned round and put in order', () => {
    fc.assert(
      fc.property(text, fc.nat(30), fc.integer({ min: -30, max: 40 }), (given, from, to) => {
        const list = points(given)
        expect(search('length(@)', given)).toBe(list.length)
        expect(search('reverse(@)', given)).toBe(list.toReversed().join(''))
        expect(search("split(@, '')", given)).toEqual(list)
        expect(search("replace(@, '', '-')", given)).toBe(list.join('-'))
        expect(search(`@[${from}:${to}]`, given)).toBe(list.slice(from, to).join(''))
        expect(search(`@[${from}:]`, given)).toBe(list.slice(from).join(''))
        expect(search('@[::-3]', given)).toBe(
          list
            .toReversed()
            .filter((_, index) => index % 3 === 0)
            .join(''),
        )
        const part = list.slice(from, Math.max(0, to)).join('')
        const at = part.indexOf('a')
        const found = at === -1 ? null : from + points(part.slice(0, at)).length
        expect(search(`find_first(@, 'a', \`${from}\`, \`${to}\`)`, given)).toBe(found)
      }),
    )
  })

  test('are trimmed', () => {
    const blank = fc.constantFrom(
      ...points(' \t\n\v\f\r\u0085\u00a0\u1680\u2003\u200a\u2028\u2029\u202f\u205f\u3000\ufeff'),
    )
    const blanks = fc.array(blank, { maxLength: 30 }).map((each) => each.join(''))
    fc.assert(
      fc.property(blanks, periodic, blanks, (before, inner, after) => {
        const given = before + inner + after
        const trimmed = given.replace(/^[\s\u0085]+/, '').replace(/[\s\u0085]+$/, '')
        expect(search('trim(@)', given)).toBe(trimmed)
        expect(search('trim_right(trim_left(@))', given)).toBe(trimmed)
        const list = points(inner)
        while (list.length > 0 && ['a', '😀'].includes(list[0] ?? '')) list.shift()
        expect(search("trim_left(@, 'a😀')", inner)).toBe(list.join(''))
        while (list.length > 0 && ['a', '😀'].includes(list.at(-1) ?? '')) list.pop()
        expect(search("trim(@, 'a😀')", inner)).toBe(list.join(''))
      }),
    )
  })
})

test('text of words has its own upper and lower case', () => {
  const word = fc.constantFrom('ΣΑΣ', 'Σ', 'aΣ.', 'ß', 'İ', 'ﬃ', '😀Σ', 'x', 'ÉΣ')
  fc.assert(
    fc.property(fc.array(word, { minLength: 1, maxLength: 20 }), fc.integer({ min: 1, max: 4000 }), (words, times) => {
      const given = `${words.join(' ')} `.repeat(times).slice(0, 80_000)
      expect(search('lower(@)', given)).toBe(given.toLowerCase())
      expect(search('upper(@)', given)).toBe(given.toUpperCase())
    }),
  )
})

test('any value is written as the runtime writes it', () => {
  const wide = Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`${index * 3}`, [index]]))
  const value = fc.oneof(
    fc.jsonValue().map((json) => json as Json),
    text,
    fc.array(text, { maxLength: 4 }),
    fc.dictionary(text, text, { maxKeys: 4 }),
  )
  fc.assert(
    fc.property(value, fc.boolean(), (small, isLarge) => {
      const given: Json = isLarge ? [wide, small, { ['__proto__']: small, wide }] : small
      expect(jsonText(given, endless())).toBe(JSON.stringify(given))
    }),
    { numRuns: 60 },
  )
})
