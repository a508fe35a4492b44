import { afterAll, describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { openTestScripts } from './open-scripts.ts'

const { scripts, run, value, ...open } = openTestScripts()
afterAll(() => open[Symbol.asyncDispose]())

describe('the value of a script', () => {
  test.each<[code: string, value: unknown]>([
    ['1 + 1', 2],
    ['let a = 1; a += 2', 3],
    ['const f = (n) => n * 2; f(21)', 42],
    ['if (true) { "then" } else { "else" }', 'then'],
    ['undefined', undefined],
    ['let a = 1', undefined],
    ['', undefined],
    ['// nothing', undefined],
    ['null', null],
    ['"\\u0000\\ud800 é 🙂 \\\\ \\""', '\u0000\ud800 é 🙂 \\ "'],
    ['-0', 0],
    ['1e308 * 0.5', 5e307],
    ['true', true],
    ['[1, , undefined, null]', [1, null, null, null]],
    ['({ a: undefined, b: 1 })', { b: 1 }],
    ['JSON.parse(\'{"__proto__": 1, "constructor": 2}\')', JSON.parse('{"__proto__": 1, "constructor": 2}')],
    ['12345678901234567890n', '12345678901234567890'],
    ['[1n, Object(2n), Object(3), Object("s"), Object(false)]', ['1', '2', 3, 's', false]],
    ['new Date(0)', '1970-01-01T00:00:00.000Z'],
    ['[new Map([[1, 2]]), new Set([1]), new Error("x"), /x/]', [{}, {}, {}, {}]],
    ['new Uint8Array([1, 2])', { 0: 1, 1: 2 }],
    ['({ toJSON: (key) => ["as", key] })', ['as', '']],
    ['const a = [1]; [a, a]', [[1], [1]]],
    ['this === globalThis', true],
    ['with ({ a: 5 }) a', 5],
    ['undeclared = 5; undeclared', 5],
    ['(function () { return typeof this })()', 'object'],
  ])('%s', async (code, expected) => {
    expect(await value(code)).toEqual(expected)
  })

  test.each<[code: string, value: unknown]>([
    ['Promise.resolve(5)', 5],
    ['await Promise.resolve(5)', 5],
    ['const a = await 1; const b = await 2; a + b', 3],
    ['async function f() { await null; return [1] } f()', [1]],
    ['(async () => { try { await Promise.reject(1) } catch (e) { return e + 1 } })()', 2],
    ['Promise.all([1, Promise.resolve(2), (async () => 3)()])', [1, 2, 3]],
    ['Promise.any([Promise.reject(1), Promise.resolve(2)])', 2],
    ['let n = 0; for await (const x of (async function* () { yield 1; yield 2 })()) n += x; n', 3],
    ['let n = 0; Promise.resolve().then(() => { n++ }); [n]', [0]],
    ['let n = []; Promise.resolve().then(() => n.push(1)).then(() => n.push(2)); n', [1, 2]],
    ['Promise.reject(1); 5', 5],
    ['({ then(done) { done(7) } })', 7],
    ['({ then(done) { Promise.resolve().then(() => done([1])) } })', [1]],
    ['({ then: 5 })', JSON.parse('{"then":5}')],
  ])('promises: %s', async (code, expected) => {
    expect(await value(code)).toEqual(expected)
  })

  test('arguments and output are any JSON', async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue({ maxDepth: 6 }), async (json) => {
        // Only what survives JSON can be asked to survive it: -0 does not.
        const plain: unknown = JSON.parse(JSON.stringify(json))
        expect(await value('args.it', { it: plain })).toEqual(plain)
        expect(await value('it', { it: plain })).toEqual(plain)
      }),
      { numRuns: 100 },
    )
  })
})

describe('arguments', () => {
  const args = {
    x: 21,
    'a-b': 1,
    '1a': 2,
    é: 3,
    '': 4,
    args: 5,
    console: 6,
    undefined: 7,
    globalThis: 8,
    Object: 9,
    if: 10,
  }

  test('are variables where their names are, and all of them are in args', async () => {
    expect(await value('x * 2', args)).toBe(42)
    expect(await value('args', args)).toEqual(args)
    expect(await value('[é, console, Object, globalThis, typeof undefined]', args)).toEqual([3, 6, 9, 8, 'undefined'])
    const names = '(function () { return Object.keys(this) })()'
    expect(await value(names, { x: 1, 'a-b': 1, '1a': 1, '': 1, a1: 1, $: 1, _: 1, ñ: 1 })).toEqual(
      expect.not.arrayContaining(['a-b', '1a', '']),
    )
    expect(await value(`let x = 5; var é = 6; [x, é, args.x]`, args)).toEqual([5, 6, 21])
  })

  test('have no way to a prototype', async () => {
    const hostile = JSON.parse('{"__proto__": {"a": 1}, "constructor": {"prototype": 2}, "toString": 3}') as Record<
      string,
      unknown
    >
    expect(await value('[({}).a, args.a, Object.keys(args), toString]', hostile)).toEqual([
      null,
      null,
      ['__proto__', 'constructor', 'toString'],
      3,
    ])
  })
})

describe('logs', () => {
  const logs = async (code: string) => {
    const ended = await run(code, { captureLogs: true })
    if ('logs' in ended) return ended.logs
    throw new Error(JSON.stringify(ended))
  }

  test('come back beside the value when they are asked for', async () => {
    const code =
      'console.log("a"); console.info(1); console.warn([1]); console.error(null); console.debug(); await 1; console.log("b"); 5'
    expect(await run(code, { captureLogs: true })).toEqual({ value: 5, logs: ['a', '1', '[1]', 'null', '', 'b'] })
    expect(await run(code)).toEqual({ value: 5, logs: [] })
    expect(await run('console.log(1)', { captureLogs: true })).toEqual({ value: undefined, logs: ['1'] })
  })

  test('show any value', async () => {
    expect(
      await logs(`
        console.log('a', { b: [1, 'c'] }, undefined, true, 1n, 0 / 0)
        console.log(new TypeError('no'), () => 1, Symbol('x'))
        const cycle = {}; cycle.cycle = cycle
        console.log(cycle, { toJSON() { throw 1 } }, { toJSON: () => undefined })`),
    ).toEqual([
      'a {"b":[1,"c"]} undefined true 1 NaN',
      'TypeError: no a function a symbol',
      'an object an object undefined',
    ])
  })

  test('are bounded, in lines and in characters', async () => {
    expect((await logs('for (let i = 0; i < 5000; i++) console.log(i)')).length).toBe(1000)
    const long = await logs('for (let i = 0; i < 100; i++) console.log("x".repeat(10000))')
    expect(long.map((line) => line.length)).toEqual([10_000, 10_000, 10_000, 10_000, 10_000, 10_000, 5530])
  })

  test('that come after the value are kept', async () => {
    expect(await logs('Promise.resolve().then(() => null).then(() => console.log("late")); 1')).toEqual(['late'])
  })
})

describe('every script', () => {
  test('is the first one', async () => {
    for (let round = 0; round < 4; round++) {
      expect(await value('globalThis.left = (globalThis.left ?? 0) + 1; Array.prototype.left = 1; left')).toBe(1)
      expect(await value('const kept = 1; [].left ?? typeof left')).toBe('undefined')
    }
  })

  test('has its own chance, and the time', async () => {
    const numbers = await Promise.all(Array.from({ length: 8 }, () => value('Math.random()')))
    expect(new Set(numbers).size).toBe(8)
    const many =
      'let [n, sum, low, high] = [1e4, 0, 1, 0]; for (let i = 0; i < n; i++) { const r = Math.random(); sum += r; low = Math.min(low, r); high = Math.max(high, r) } [sum / n, low, high]'
    const [mean, low, high] = (await value(many)) as [number, number, number]
    expect(mean).toBeWithin(0.45, 0.55)
    expect(low).toBeWithin(0, 0.01)
    expect(high).toBeWithin(0.99, 1)
    const before = Date.now()
    const now = Number(await value('Date.now()'))
    expect(now).toBeGreaterThanOrEqual(before - 1)
    expect(now).toBeLessThanOrEqual(Date.now() + 1)
  })

  test('ends at once when it is no longer wanted, waiting or running', async () => {
    const stops = [new AbortController(), new AbortController(), new AbortController()]
    const script = { code: 'for (;;);', args: {}, captureLogs: false }
    const ends = stops.map(({ signal }) => scripts.run(script, { signal }).catch((thrown: unknown) => thrown))
    for (const [index, stop] of stops.entries()) stop.abort(index)
    expect(await Promise.all(ends)).toEqual([0, 1, 2])
    expect(await value('1')).toBe(1)
  })
})
