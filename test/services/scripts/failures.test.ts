import { afterAll, describe, expect, test } from 'bun:test'
import { openTestScripts } from './open-scripts.ts'

const { run, value, ...open } = openTestScripts()
afterAll(() => open[Symbol.asyncDispose]())

const failed = (details: Readonly<Record<string, unknown>>) => ({
  code: 'SCRIPT_ERROR',
  message: 'The script failed',
  details,
})
const unwritable = (what: string, path: string) => ({
  code: 'SCRIPT_ERROR',
  message: 'The output of the script cannot be written as JSON',
  details: { what, path },
})
const over = (limit: string) => ({
  code: 'SCRIPT_LIMIT_EXCEEDED',
  message: 'The script went over a limit',
  details: { limit },
})

describe('what cannot be written', () => {
  test.each<[code: string, what: string, path: string]>([
    ['() => 1', 'a function', '$'],
    ['({ a: [0, { b() {} }] })', 'a function', '$.a.1.b'],
    ['[[Symbol("x")]]', 'a symbol', '$.0.0'],
    ['NaN', 'NaN', '$'],
    ['[1, -1 / 0]', '-Infinity', '$.1'],
    ['({ a: { b: new Number(0 / 0) } })', 'NaN', '$.a.b'],
    ['new Float64Array([1, 0 / 0])', 'NaN', '$.1'],
    ['const n = new Number(NaN); n[Symbol.toStringTag] = "X"; [n]', 'NaN', '$.0'],
    [
      'let asked = 0; [Object.defineProperty(new Number(1 / 0), Symbol.toStringTag, { get: () => (asked++ ? undefined : "X") })]',
      'Infinity',
      '$.0',
    ],
    ['const a = { b: {} }; a.b.c = a; a', 'a cycle', '$.b.c'],
    ['const a = []; a.push(1, [a]); ({ a })', 'a cycle', '$.a.1.0'],
    ['({ a: { toJSON: () => () => 1 } })', 'a function', '$.a'],
    ['({ ["k".repeat(1000)]: [NaN] })', 'NaN', `$.${'k'.repeat(100)}.0`],
    ['const a = [[1], [2], [NaN]]; ({ x: 1, y: { a } })', 'NaN', '$.y.a.2.0'],
  ])('%s', async (code, what, path) => {
    expect(await run(code)).toEqual(unwritable(what, path))
  })
})

describe('an error', () => {
  test.each<[code: string, details: Readonly<Record<string, unknown>>]>([
    ['throw new TypeError("no")', { name: 'TypeError', message: 'no', line: 1, column: 20 }],
    ['\n\nnull.x', { name: 'TypeError', message: "cannot read property 'x' of null", line: 3, column: 5 }],
    ['function f() {\n  g()\n}\nf()', { name: 'ReferenceError', message: "'g' is not defined", line: 2, column: 3 }],
    [
      'let a = 1\nlet b = ;',
      { name: 'SyntaxError', message: "unexpected token in expression: ';'", line: 2, column: 9 },
    ],
    [
      'await null\nawait (async () => {\n  throw new RangeError("x")\n})()',
      { name: 'RangeError', message: 'x', line: 3, column: 23 },
    ],
    ['JSON.parse("{")', { name: 'SyntaxError', message: 'expecting property name', line: 1, column: 11 }],
    [
      'class Mine extends Error { get name() { return "Mine" } }\nthrow new Mine("x")',
      { name: 'Mine', message: 'x', line: 2, column: 15 },
    ],
    [
      'class A extends Error { constructor(m) { super(m) } }\nclass B extends A {}\nfunction f() {\n  return new B("x")\n}\nthrow f()',
      { name: 'Error', message: 'x', line: 4, column: 15 },
    ],
    [
      'function Old(m) { this.message = m; this.stack = new Error().stack }\n\nthrow new Old("x")',
      { name: 'object', message: 'x', line: 3, column: 14 },
    ],
    [
      'const o = { ["script.js:9:9"]() { throw new Error("x") } }\no["script.js:9:9"]()',
      { name: 'Error', message: 'x', line: 1, column: 50 },
    ],
    ['throw null', { name: 'null', message: 'null' }],
    ['throw undefined', { name: 'undefined', message: 'undefined' }],
    ['throw "text"', { name: 'string', message: 'text' }],
    ['throw 5n', { name: 'bigint', message: '5' }],
    ['throw Symbol("x")', { name: 'symbol', message: 'Symbol(x)' }],
    ['throw function named() {}', { name: 'function', message: 'a function' }],
    ['throw { name: "InternalError", message: "out of memory" }', { name: 'InternalError', message: 'out of memory' }],
    ['throw { name: "SyntaxError", message: "stack overflow" }', { name: 'SyntaxError', message: 'stack overflow' }],
    ['throw { code: 4 }', { name: 'object', message: '{"code":4}' }],
    ['throw { name: "N", message: "M", stack: "script.js:7:9" }', { name: 'N', message: 'M' }],
    [
      'throw { get name() { throw 1 }, get message() { throw 2 }, get stack() { throw 3 } }',
      { name: 'object', message: '' },
    ],
    [
      'throw { message: "x".repeat(5000), name: "n".repeat(5000) }',
      { name: 'n'.repeat(100), message: 'x'.repeat(1000) },
    ],
    ['({ toJSON() { throw new Error("x") } })', { name: 'Error', message: 'x', line: 1, column: 30 }],
    ['await import("node:fs")', { name: 'ReferenceError', message: "could not load module 'node:fs'" }],
  ])('%s', async (code, details) => {
    expect(await run(code)).toEqual(failed(details))
  })

  test.each<[code: string, code_: string]>([
    ['throw 1', 'SCRIPT_ERROR'],
    ['NaN', 'SCRIPT_ERROR'],
    ['new Promise(() => {})', 'SCRIPT_ERROR'],
    ['"x".repeat(2e6)', 'SCRIPT_LIMIT_EXCEEDED'],
  ])('%s: what was logged before is told, where it was asked for', async (code, expected) => {
    const logging = `console.log("here"); ${code}`
    expect(await run(logging, { captureLogs: true })).toMatchObject({ code: expected, output: { logs: ['here'] } })
    expect(await run(logging)).not.toHaveProperty('output')
  })

  test('a promise that nothing settles', async () => {
    const waits = { code: 'SCRIPT_ERROR', message: 'The script waits for a promise that nothing settles' }
    expect(await run('new Promise(() => {})')).toMatchObject(waits)
    expect(await run('await new Promise(() => {}); 1')).toMatchObject(waits)
  })

  test('modules are no scripts', async () => {
    expect(await run('import fs from "node:fs"')).toMatchObject({ details: { name: 'SyntaxError', line: 1 } })
    expect(await run('\nexport default 1')).toMatchObject({ details: { name: 'SyntaxError', line: 2 } })
  })
})

describe('limits', () => {
  test('of time', async () => {
    expect(await run('for (;;);', { limitMs: 50 })).toMatchObject({ code: 'TIMEOUT' })
    expect(await run('const f = () => Promise.resolve().then(f); f(); 1', { limitMs: 50 })).toMatchObject({
      code: 'TIMEOUT',
    })
  })

  test('of memory, after which the next script has all of it', async () => {
    for (let round = 0; round < 3; round++) {
      expect(await run('const a = []; for (;;) a.push(new Array(1000).fill(1.5))')).toEqual(over('memory'))
      expect(await value('const a = new Array(1e6).fill(1); a.length')).toBe(1_000_000)
    }
  }, 20_000)

  test('of the stack', async () => {
    expect(await run('(function f() { f() })()')).toEqual(over('stack'))
    expect(await run('eval("[".repeat(1e5))')).toEqual(over('stack'))
    expect(await value('(function f(n) { return n > 0 ? f(n - 1) : "down" })(500)')).toBe('down')
  })

  test('of the output', async () => {
    const longest = 1024 * 1024
    expect(await value(`"x".repeat(${longest - 2})`)).toBe('x'.repeat(longest - 2))
    expect(await run(`"x".repeat(${longest - 1})`)).toEqual(over('output'))
    expect(await run('"\\u0000".repeat(5e5)')).toEqual(over('output'))
    expect(await value('let a = []; for (let i = 1; i < 1000; i++) a = [a]; a')).toBeArray()
    expect(await run('let a = []; for (let i = 0; i < 1000; i++) a = [a]; a')).toEqual(over('output'))
  })

  test('of the input', async () => {
    expect(await run('args.x.length', { args: { x: 'é'.repeat(3e6) } })).toMatchObject({ value: 3_000_000 })
    expect(await run('1', { args: { x: 'x'.repeat(5e6) } })).toEqual(over('memory'))
    expect(await run(`1;${' '.repeat(5e6)}`)).toEqual(over('memory'))
    let nested: unknown = 1
    for (let level = 0; level < 2000; level++) nested = [nested]
    expect(await run('1', { args: { nested } })).toEqual(over('memory'))
  })

  test('are what is configured', async () => {
    await using small = openTestScripts({ memoryBytes: 20e6, stackBytes: 64e3 })
    const deep = '(function f(n) { return n > 0 ? f(n - 1) : "down" })(1000)'
    expect(await small.run('new Array(3e6).fill(1).length')).toEqual(over('memory'))
    expect(await small.run(deep)).toEqual(over('stack'))
    await using large = openTestScripts({ memoryBytes: 200e6, stackBytes: 900e3 })
    expect(await large.value('new Array(3e6).fill(1).length')).toBe(3_000_000)
    expect(await large.value(deep)).toBe('down')
  })
})
