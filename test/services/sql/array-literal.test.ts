import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { type ArrayItems, parseArray, writeArray } from '../../../src/services/sql/array-literal.ts'
import { characters } from '../../support/arbitraries.ts'

/** Arrays of up to six dimensions, ragged ones too: whether a server takes them is its affair. */
function items(dimensions: number): fc.Arbitrary<ArrayItems> {
  const words = fc.constantFrom('', 'NULL', 'null', '"', '\\', '{', '}', ',', ';', ' ', '{}', '[0:1]={a,b}', '\\"')
  const leaf: fc.Arbitrary<string | null | ArrayItems> = fc.oneof(words, characters(8), fc.constant(null))
  const item = dimensions === 1 ? leaf : fc.oneof(leaf, items(dimensions - 1))
  return fc.array(item, { maxLength: 5 })
}

describe('parseArray', () => {
  test('reads back what writeArray writes', () => {
    fc.assert(
      fc.property(items(6), fc.constantFrom(',', ';'), (array, delimiter) => {
        expect(parseArray(writeArray(array, delimiter), delimiter)).toEqual(array)
      }),
    )
  })

  test.each<readonly [text: string, delimiter: string, items: ArrayItems]>([
    ['{}', ',', []],
    ['{{},{}}', ',', [[], []]],
    ['{1,NULL,null,"NULL"}', ',', ['1', null, 'null', 'NULL']],
    ['{"a\\"b","c\\\\d",e}', ',', ['a"b', 'c\\d', 'e']],
    ['[0:1]={a,b}', ',', ['a', 'b']],
    [
      '[-1:0][5:6]={{a,b},{c,d}}',
      ',',
      [
        ['a', 'b'],
        ['c', 'd'],
      ],
    ],
    ['{(2,2),(1,1);(4,4),(3,3)}', ';', ['(2,2),(1,1)', '(4,4),(3,3)']],
  ])('reads %s', (text, delimiter, expected) => {
    expect(parseArray(text, delimiter)).toEqual(expected)
  })

  test.each([
    '',
    'a',
    '{',
    '{a',
    '{a,',
    '{a,}',
    '{,a}',
    '{a}b',
    '{"a}',
    '{"a\\',
    '{"a"b}',
    '{{a}',
    '[0:1]',
    '[0:1]=a',
    '{{{{{{{a}}}}}}}',
    '{'.repeat(100_000),
  ])('finds no array in %s', (text) => {
    expect(parseArray(text, ',')).toBeUndefined()
  })

  test('never throws, whatever it is given', () => {
    const noise = fc.string({
      unit: fc.constantFrom('{', '}', '"', '\\', ',', 'a', '[0:1]=', 'NULL', ' '),
      maxLength: 30,
    })
    fc.assert(fc.property(noise, (text) => void parseArray(text, ',')))
  })

  test('reads a long array in time that grows with its length', () => {
    const long = Array.from({ length: 200_000 }, (_, index) => `"${index}\\`)
    expect(parseArray(writeArray(long, ','), ',')?.length).toBe(long.length)
  })
})
