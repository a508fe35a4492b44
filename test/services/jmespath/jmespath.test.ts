import { afterAll, describe, expect, test } from 'bun:test'
import { systemClock } from '../../../src/lib/clock.ts'
import { answerOf, openSearch } from './open-search.ts'

const search = openSearch()
afterAll(() => search[Symbol.asyncDispose]())

/** Both ways, which must agree. */
async function both(expression: string, data: unknown) {
  const [usual, threaded] = [
    await answerOf(search.usual, expression, data),
    await answerOf(search.threaded, expression, data),
  ]
  expect(threaded).toEqual(usual)
  return usual
}

describe('values that the compliance suite does not ask for', () => {
  const people = [
    { name: 'Zoë', age: 30, team: 'constructor' },
    { name: 'Al', age: 4, team: '__proto__' },
    { name: 'Bo', age: 100, team: 'constructor' },
  ]
  test.each<[expression: string, data: unknown, value: unknown]>([
    ['sort(@)', [10, 9, 1, 100], [1, 9, 10, 100]],
    ['sort(@)', ['\uffff', '😀', 'a', 'B'], ['B', 'a', '\uffff', '😀']],
    ['max(@)', ['a', 'B'], 'a'],
    ['max_by(@, &name).age', people, 30],
    ['min_by(@, &age).name', people, 'Al'],
    ['sort_by(@, &age)[*].name', people, ['Al', 'Zoë', 'Bo']],
    ['contains(@, `{"a": [1]}`)', [{ a: [1] }], true],
    [
      "[to_number(@), to_number(''), to_number('0x10'), to_number('1e999'), to_number(' 1')]",
      '12.5e1',
      [125, null, null, null, null],
    ],
    ['[length(@), @[0:2], reverse(@)]', '😀ab', [3, '😀a', 'ba😀']],
    ['@[::-1]', 'abc', 'cba'],
    ['`"a\\`b\\`"`', null, 'a`b`'],
    ["'it\\'s \\z \\\\'", null, "it's \\z \\"],
    ['missing | [a]', {}, null],
    ['a < `2`', { a: 'x' }, null],
    [
      'let $t = a in b[*].[$t, @]',
      { a: 1, b: [2, 3] },
      [
        [1, 2],
        [1, 3],
      ],
    ],
    ['let $t = a in map(&[$t, @], b)', { a: 1, b: [2] }, [[1, 2]]],
    ['let $n = `null` in $n', {}, null],
    ['items[?price > $.limit].price', { limit: 5, items: [{ price: 4 }, { price: 6 }] }, [6]],
    ['a ? `1` : `2`', { a: [] }, 2],
    [
      '[a + b, a - b, a * b, a / b, a // b, a % b, -a, a × b, a ÷ b]',
      { a: 7, b: 2 },
      [9, 5, 14, 3.5, 3, 1, -7, 14, 3.5],
    ],
    ['a-1', { a: 3 }, { code: 'JMESPATH_COMPILE_ERROR' }],
    ['a -`1`', { a: 3 }, 2],
    ["replace('aaa', 'a', 'b$&', `2`)", null, 'b$&b$&a'],
    ["replace('abc', '', '-')", null, 'a-b-c'],
    ["split('a,b,c', ',', `1`)", null, ['a', 'b,c']],
    ["split('😀a', '')", null, ['😀', 'a']],
    ["[trim('  a\n b '), trim_left('xxa', 'x'), trim_right('a😀😀', '😀')]", {}, ['a\n b', 'a', 'a']],
    ["[pad_left('a', `3`), pad_right('😀', `3`, 'é'), pad_left('abc', `2`)]", {}, ['  a', '😀éé', 'abc']],
    [
      "[find_first('😀abab', 'b'), find_last('😀abab', 'a'), find_first('abc', 'c', `0`, `2`), find_first('abc', '')]",
      {},
      [2, 3, null, null],
    ],
    ["[lower('ÄB'), upper('äß')]", {}, ['äb', 'ÄSS']],
    ['items(@) | from_items(@)', { a: 1, b: 2 }, { a: 1, b: 2 }],
    [
      'zip(a, b)',
      { a: [1, 2, 3], b: ['x', 'y'] },
      [
        [1, 'x'],
        [2, 'y'],
      ],
    ],
    ['not_null(a, b)', { b: false }, false],
    ['to_string(@)', { a: [1, null] }, '{"a":[1,null]}'],
    ['[*].a', [{ a: null }, { a: 1 }], [1]],
    ['{a: @}', null, null],
    ['type(@)', { expref: true }, 'object'],
    ['[@.expref]', { expref: true, type: 'Field' }, [true]],
  ])('%s', async (expression, data, value) => {
    const answer = await both(expression, data)
    if (typeof value === 'object' && value !== null && 'code' in value) expect(answer).toMatchObject(value)
    else expect(answer).toEqual({ value })
  })

  test('names of the host are names like any other', async () => {
    const names = ['constructor', '__proto__', 'toString', 'hasOwnProperty', 'valueOf', '__defineGetter__', 'prototype']
    for (const name of [...names, 'length']) {
      for (const data of [{}, [], 'text', 1, true, null]) expect(await both(name, data)).toEqual({ value: null })
      const own = JSON.parse(`{"${name}":{"${name}":1}}`)
      expect(await both(`${name}.${name}`, own)).toEqual({ value: 1 })
      const made = await answerOf(search.usual, `{"${name}": @}`, 'x')
      expect(JSON.stringify(made)).toBe(`{"value":{"${name}":"x"}}`)
    }
    for (const name of names) expect(await both(`${name}(@)`, {})).toMatchObject({ code: 'JMESPATH_COMPILE_ERROR' })
    const grouped = await answerOf(search.usual, 'group_by(@, &team)', people)
    expect(JSON.stringify(grouped)).toBe(
      JSON.stringify({ value: { constructor: [people[0], people[2]], ['__proto__']: [people[1]] } }),
    )
    const merged = await answerOf(search.usual, 'merge(@, @)', JSON.parse('{"__proto__":{"polluted":1}}'))
    expect(JSON.stringify(merged)).toBe('{"value":{"__proto__":{"polluted":1}}}')
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false)
  })

  test('results are plain objects, and data stays as it is', async () => {
    const data = Object.freeze({ list: Object.freeze([3, 1, 2]), nested: Object.freeze({ a: 1 }) })
    for (const expression of [
      'sort(list)',
      'reverse(list)',
      'merge(nested, {b: list})',
      '{x: nested}',
      'list[]',
      'values(@)',
    ]) {
      const answer = await both(expression, data)
      expect(answer).toHaveProperty('value')
      if ('value' in answer) expect(Object.getPrototypeOf(answer.value)).not.toBe(null)
    }
  })
})

describe('errors say where', () => {
  test.each([
    ['', 0, 'ends too early'],
    ['a.', 2, 'ends too early'],
    ['a b', 2, 'unexpected identifier'],
    ['foo[a', 4, 'unexpected identifier'],
    ['[a b]', 3, 'expected ]'],
    ['f(a b)', 4, 'expected )'],
    ["a == 'open", 5, 'without an end'],
    ['a == `{`', 5, 'not JSON'],
    ['a # b', 2, 'unknown character'],
    ['a.nothing(@)', 2, 'unknown function nothing'],
    ['[abs(@, @)]', 1, 'abs takes 1 argument, not 2'],
    ['not_null()', 0, 'not_null takes at least 1 arguments, not 0'],
    ['&a', 0, 'unexpected &'],
  ])('%s', async (expression, position, reason) => {
    const expected = { code: 'JMESPATH_COMPILE_ERROR', details: { position, reason } }
    expect(await answerOf(search.usual, expression, {})).toEqual(expected)
    expect(() => search.usual.check(expression)).toThrow('The expression cannot be parsed')
  })

  test('what is too long or nested too deeply is not looked into', async () => {
    const hostile = [
      ...['!', '(', '[', '[*]', '{a:', '-', 'a?a:', 'let $a=', 'abs('].map((piece) => `${piece.repeat(2000)}a`),
      ...['.a', '|a', '||a', '[0]', '[]', '.*', '+a'].map((piece) => `a${piece.repeat(2000)}`),
      'a'.repeat(16_385),
    ]
    for (const expression of hostile) {
      const startMs = systemClock.monotonic()
      const answer = await answerOf(search.usual, expression, {})
      expect(systemClock.monotonic() - startMs).toBeLessThan(100)
      expect(answer).toMatchObject({
        code: 'JMESPATH_COMPILE_ERROR',
        details: { reason: expect.stringMatching(/^(nested too deeply|too long)$/) },
      })
    }
  })

  test.each([
    ['a | abs(@)', 'x', 4, 'abs: argument 1 must be number, not null'],
    ['sort_by(@, &a)', [{ a: 1 }, { a: 'x' }], 0, 'sort_by: the expression gives numbers and strings'],
    ['length(&a)', {}, 0, 'length: argument 1 must be string or array or object, not expression'],
    ['map(@, @)', [], 0, 'map: argument 1 must be expression, not array'],
    ['[::0]', [1], 0, 'the step of a slice cannot be 0'],
    ['@ / `0`', 1, 2, 'division by zero'],
    ['@ * `1e308`', 1e308, 2, 'the number is too large'],
    ['$x', 1, 0, 'undefined variable'],
    ["'a' + @", 1, 4, 'not a number'],
  ])('%s', async (expression, data, position, reason) => {
    expect(await both(expression, data)).toEqual({ code: 'JMESPATH_RUNTIME_ERROR', details: { position, reason } })
  })

  test('check lets every expression through that can be parsed', () => {
    for (const expression of ['@', 'a.b[0]', '*.a', 'sort_by(a, &b) | [0]']) search.usual.check(expression)
  })
})
