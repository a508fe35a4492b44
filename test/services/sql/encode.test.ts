import { describe, expect, test } from 'bun:test'
import { JobError } from '../../../src/errors.ts'
import { builtinTypes } from '../../../src/services/sql/builtin-types.ts'
import { checkParameterCount, encode } from '../../../src/services/sql/encode.ts'
import type { TypeInfo } from '../../../src/services/sql/type-info.ts'

const byName = new Map([...builtinTypes.values()].map((type) => [type.name, type]))

function named(name: string): TypeInfo {
  const type = byName.get(name)
  if (type === undefined) throw new Error(`No type ${name}`)
  return type
}

function failureOf(run: () => unknown): JobError {
  try {
    run()
  } catch (error) {
    if (error instanceof JobError) return error
    throw error
  }
  throw new Error('It did not fail')
}

const deep = JSON.parse('{"a":[{"b":1e999}],"c":null}')

describe('what is refused before anything is sent', () => {
  test.each<readonly [type: string, value: unknown]>([
    ['text', { a: 1 }],
    ['text', [1]],
    ['uuid', ['a']],
    ['date', 20200101],
    ['date[]', [20200101]],
    ['interval', 5],
    ['timestamp with time zone', 1],
    ['boolean', 1],
    ['uuid', 1],
    ['integer', {}],
    ['record', [1, 'a']],
    ['int4range', [1, 5]],
    ['integer[]', { a: 1 }],
    ['integer[]', [{ a: 1 }]],
    ['integer[]', [1, [2, { a: 1 }]]],
    ['bytea', [1, 2]],
    ['bytea', { type: 'Buffer', data: [1] }],
    ['bigint', 9007199254740992],
    ['bigint', -9007199254740992],
    ['bigint[]', [1, 9007199254740992]],
    ['integer', 1e21],
    ['numeric', 1e21],
    ['money', 1e21],
    ['text', 9007199254740992],
    ['double precision', JSON.parse('1e999')],
    ['numeric', JSON.parse('-1e999')],
    ['json', JSON.parse('1e999')],
    ['jsonb', deep],
    ['jsonb[]', [deep]],
    ['text', '\ud800'],
    ['text[]', ['a\udc00b']],
    ['int2vector', [1.5]],
    ['int2vector', ['1 2']],
    ['oidvector', [null]],
    ['bytea[]', [[{}]]],
  ])('%s %j', (type, value) => {
    const error = failureOf(() => encode(value, named(type), 2))
    expect(error.code).toBe('INVALID_INPUT')
    expect(error.details?.['parameter']).toBe(3)
    expect(type).toStartWith(String(error.details?.['type']))
    expect(error.unsent).toBe(true)
  })
})

describe('what is not base64', () => {
  test.each(['A', 'AB=', 'AA===', 'A\u{e9}==', '\\x0', '\\x0g', '\\x00 ', '+/_-', 'not base64!', 5, true])(
    '%s',
    (value) => {
      const error = failureOf(() => encode(value, named('bytea'), 0))
      expect([error.code, error.details]).toEqual(['BASE64_DECODE_ERROR', { parameter: 1, type: 'bytea' }])
      expect(failureOf(() => encode([value], named('bytea[]'), 0)).code).toBe('BASE64_DECODE_ERROR')
    },
  )
})

test('what is refused stands nowhere in the error', () => {
  const errors = [
    failureOf(() => encode({ word: 'hunter2' }, named('text'), 0)),
    failureOf(() => encode('hunter2!', named('bytea'), 0)),
    failureOf(() => encode(['hunter2\ud800'], named('text[]'), 0)),
  ]
  expect(errors.map(({ message, details }) => JSON.stringify([message, details])).join()).not.toContain('hunter2')
})

test.each<readonly [type: string, value: unknown, text: string | null]>([
  ['integer', null, null],
  ['jsonb', null, null],
  ['integer', 1.5, '1.5'],
  ['bigint', Number.MAX_SAFE_INTEGER, '9007199254740991'],
  ['numeric', 1e-7, '1e-7'],
  ['double precision', 1e300, '1e+300'],
  ['real', -0, '-0'],
  ['text', true, 'true'],
  ['jsonb', 1e21, '1e+21'],
  ['jsonb', '5', '"5"'],
  ['jsonb', { a: null, b: 'null' }, '{"a":null,"b":"null"}'],
  ['bytea', 'AP8', '\\x00ff'],
  ['bytea', '_-8=', '\\xffef'],
  ['bytea', '\\xAB', '\\xAB'],
  ['box[]', ['(1,1),(0,0)', null], '{"(1,1),(0,0)";NULL}'],
  ['json[]', [[1, [2]], null, 'a"'], '{"[1,[2]]",NULL,"\\"a\\\\\\"\\""}'],
  ['oidvector', [1, 2], '1 2'],
])('%s %j is sent as %s', (type, value, text) => {
  expect(encode(value, named(type), 0)).toBe(text)
})

test.each<readonly [value: unknown, text: string | null]>([
  [null, null],
  ['a', 'a'],
  [5, '5'],
  [false, 'false'],
  [[1, 'a'], '[1,"a"]'],
  [{ a: 1 }, '{"a":1}'],
])('for a type that nobody knows %j is sent as %s', (value, text) => {
  expect(encode(value, undefined, 0)).toBe(text)
})

test('a number that is rounded already is refused for a type that nobody knows', () => {
  const error = failureOf(() => encode(2 ** 53, undefined, 0))
  expect([error.code, error.details]).toEqual(['INVALID_INPUT', { parameter: 1 }])
})

test('as many values as parameters are asked for', () => {
  checkParameterCount(2, 2)
  const error = failureOf(() => checkParameterCount(3, 2))
  expect([error.code, error.details, error.unsent]).toEqual(['INVALID_INPUT', { expected: 2, given: 3 }, true])
})
