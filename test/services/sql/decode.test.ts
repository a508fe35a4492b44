import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { decoder } from '../../../src/services/sql/decode.ts'
import type { ScalarForm, TypeInfo } from '../../../src/services/sql/type-info.ts'
import { characters } from '../../support/arbitraries.ts'

function read(form: ScalarForm, text: string): unknown {
  return decoder({ form, name: form })(text)
}

const forms = 'text bool int bigint numeric float json bytea timestamp timestamptz timetz vector void'.split(' ')

describe('moments become UTC', () => {
  test.each([
    ['2026-01-02 03:04:05+00', '2026-01-02T03:04:05Z'],
    ['2026-01-02 03:04:05.120001+00', '2026-01-02T03:04:05.120001Z'],
    ['2026-01-01 00:30:00.5+01', '2025-12-31T23:30:00.5Z'],
    ['2024-02-28 23:30:00-00:45', '2024-02-29T00:15:00Z'],
    ['2023-02-28 23:30:00-00:45', '2023-03-01T00:15:00Z'],
    ['1880-01-01 00:00:00-00:01:15', '1880-01-01T00:01:15Z'],
    ['9999-12-31 23:30:00-01', '10000-01-01T00:30:00Z'],
    ['10000-01-01 00:30:00+01', '9999-12-31T23:30:00Z'],
    ['0001-01-01 00:30:00+01', '0001-12-31T23:30:00Z BC'],
    ['0001-12-31 23:30:00-01 BC', '0001-01-01T00:30:00Z'],
    ['0005-02-28 23:30:00-01 BC', '0005-02-29T00:30:00Z BC'],
    ['4714-11-24 00:00:00+00 BC', '4714-11-24T00:00:00Z BC'],
    ['294276-12-31 23:59:59.999999+00', '294276-12-31T23:59:59.999999Z'],
    ['294277-01-01 05:29:59.999999+05:30', '294276-12-31T23:59:59.999999Z'],
    ['infinity', 'infinity'],
    ['-infinity', '-infinity'],
  ])('%s', (text, expected) => {
    expect(read('timestamptz', text)).toBe(expected)
  })

  test('as Date knows them, where it does', () => {
    const moments = fc.date({
      min: new Date('0001-01-02T00:00:00Z'),
      max: new Date('9999-12-30T00:00:00Z'),
      noInvalidDate: true,
    })
    fc.assert(
      fc.property(moments, fc.integer({ min: -15 * 60, max: 15 * 60 }), (date, minutes) => {
        const local = new Date(date.getTime() + minutes * 60_000).toISOString().replace('T', ' ').slice(0, -1)
        const two = (part: number): string => String(Math.trunc(part)).padStart(2, '0')
        const offset = `${minutes < 0 ? '-' : '+'}${two(Math.abs(minutes) / 60)}:${two(Math.abs(minutes) % 60)}`
        expect(read('timestamptz', local + offset)).toBe(date.toISOString())
      }),
    )
  })
})

test('a time with a zone keeps its offset', () => {
  expect(['03:04:05+00', '03:04:05.5-05:30', '24:00:00+01:02:03'].map((text) => read('timetz', text))).toEqual([
    '03:04:05+00:00',
    '03:04:05.5-05:30',
    '24:00:00+01:02:03',
  ])
})

test('bytes are base64, in whichever way the server writes them', () => {
  expect(['\\x', '\\x00ff', '', '\\000\\377', 'a\\\\x'].map((text) => read('bytea', text))).toEqual([
    '',
    'AP8=',
    '',
    'AP8=',
    'YVx4',
  ])
})

describe('a document', () => {
  test('that holds what a double can is read as it is', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(JSON.stringify(read('json', JSON.stringify(value)))).toBe(JSON.stringify(value))
      }),
    )
  })

  test('keeps the digits of every number that a double would round', () => {
    const digits = fc.stringMatching(/^-?[1-9][0-9]{0,25}(\.[0-9]{1,25})?(e[+-]?[0-9]{1,3})?$/)
    fc.assert(
      fc.property(digits, (number) => {
        const back = read('json', `{"a":[${number}]}`)
        const isExact = BigInt(scaled(number)) === BigInt(scaled(String(Number(number))))
        expect(back).toEqual({ a: [isExact ? Number(number) : number] })
      }),
    )
  })

  test('of a million digits is read at once', () => {
    const number = `1${'0'.repeat(1_000_000)}1`
    expect(read('json', `[${number}]`)).toEqual([number])
  })

  test('that is none stays text', () => {
    expect(read('json', '{')).toBe('{')
  })
})

/** A number as an integer, times ten to the 1,400th. */
function scaled(number: string): string {
  const [, sign, whole = '', fraction = '', exponent = 0] = /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]?\d+))?$/.exec(number) ?? []
  return `${sign ?? ''}${whole}${fraction}${'0'.repeat(1400 + Number(exponent) - fraction.length)}` || '0'
}

test('no text makes reading throw', () => {
  const odd = fc.constantFrom('\\x0', '\\xzz', '{', '[1:2]={', '{"a"}', '2026-01-02 03:04:05+99:99:99', '9'.repeat(400))
  const types = forms.map((form): TypeInfo => {
    // The names are those of the forms.
    const element = { form: form as ScalarForm, name: form }
    return { form: 'array', name: '', element, delimiter: ',' }
  })
  fc.assert(
    fc.property(fc.oneof(odd, characters(30)), fc.constantFrom(...types), (text, type) => {
      expect(JSON.stringify({ value: decoder(type)(text) })).toBeString()
      if (type.form === 'array') expect(JSON.stringify({ value: decoder(type.element)(text) })).toBeString()
    }),
  )
})
