import { describe, expect, test } from 'bun:test'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { Sandbox } from '../../../src/services/scripts/sandbox.ts'
import { limits, runIn, valueIn } from './run-script.ts'

const sandbox = await Sandbox.load(limits)
const value = (code: string, args?: Readonly<Record<string, unknown>>) => valueIn(sandbox, code, args)
/** The same in the interpreter that the tests run in. */
const valueHere = (code: string, args: Readonly<Record<string, unknown>> = {}): unknown =>
  JSON.parse(JSON.stringify(runInNewContext(code, { ...args })))

/** Every object that a script can come to by properties, accessors and prototypes; and what literals are made of. */
const reachable = `
  const found = new Set(), names = [], left = [globalThis, (function* () {})(), (async function* () {})(), (async () => 1)(),
    [][Symbol.iterator](), new Map().entries(), new Set().values(), 'a'[Symbol.iterator](), /a/[Symbol.matchAll]('a'),
    [].values().map((it) => it), Iterator.from({ next() {} }), new Proxy({}, {}), Proxy.revocable({}, {}), new Uint8Array(1),
    (function () { return arguments })(), (function () { 'use strict'; return arguments })(), Object.groupBy([], () => 1)]
  try { null.x } catch (error) { left.push(error) }
  try { (function f() { f() })() } catch (error) { left.push(error) }
  for (let it = left.pop(); it !== undefined || left.length > 0; it = left.pop()) {
    if ((typeof it !== 'object' && typeof it !== 'function') || it === null || found.has(it)) continue
    found.add(it)
    left.push(Object.getPrototypeOf(it))
    for (const key of Reflect.ownKeys(it)) {
      const { value, get, set } = Object.getOwnPropertyDescriptor(it, key)
      left.push(value, get, set)
      names.push(String(key))
      for (const each of [value, get, set]) if (typeof each === 'function') names.push(each.name)
    }
    names.push(Object.prototype.toString.call(it))
  }`

describe('what there is', () => {
  test('on globalThis: the language, and console', () => {
    const names = String(value('Object.getOwnPropertyNames(globalThis).sort().join(" ")', {}))
    const errors = 'AggregateError Error EvalError RangeError ReferenceError SyntaxError TypeError URIError'
    const arrays = 'BigInt64Array BigUint64Array Float16Array Float32Array Float64Array Int16Array Int32Array Int8Array'
    const more =
      'Uint16Array Uint32Array Uint8Array Uint8ClampedArray Array ArrayBuffer DataView Map Set WeakMap WeakRef WeakSet'
    const plain =
      'BigInt Boolean Date Function Infinity Iterator JSON Math NaN Number Object Promise Proxy Reflect RegExp String'
    const functions =
      'decodeURI decodeURIComponent encodeURI encodeURIComponent escape eval isFinite isNaN parseFloat parseInt'
    const rest = 'Symbol args console globalThis undefined unescape'
    expect(names.split(' ')).toEqual([errors, arrays, more, plain, functions, rest].join(' ').split(' ').toSorted())
  })

  test('anywhere: nothing of what was taken away', () => {
    const names = value(`${reachable}; [...new Set(names)]`)
    for (const there of ['toSorted', 'getOwnPropertyDescriptor', 'slice', '[object Generator]', 'matchAll', 'stack'])
      expect(names).toContain(there)
    const flawed = [
      'SharedArrayBuffer',
      '[object SharedArrayBuffer]',
      'Atomics',
      'FinalizationRegistry',
      'grow',
      'growable',
    ]
    const changing = [
      'resize',
      'resizable',
      'transfer',
      'transferToFixedLength',
      'maxByteLength',
      'get maxByteLength',
      'detached',
    ]
    const foreign = [
      'fileName',
      'lineNumber',
      'columnNumber',
      'captureStackTrace',
      'prepareStackTrace',
      'gc',
      'std',
      'os',
      'bjson',
    ]
    for (const gone of [...flawed, ...changing, ...foreign]) expect(names).not.toContain(gone)
    expect(value('[typeof Iterator.concat, typeof Set.groupBy]')).toEqual(['undefined', 'undefined'])
  })

  test('a length that was asked for is the one that a buffer keeps', () => {
    expect(
      value('const b = new ArrayBuffer(8, { maxByteLength: 1e9 }); [b.byteLength, new Uint8Array(b).length]'),
    ).toEqual([8, 8])
  })
})

describe('what breaks the interpreter elsewhere is an error here', () => {
  const long = '{ length: 2 ** 29, get 0() { return 1 } }'
  const collects = `new Proxy([], { get(_, key) {
    for (let i = 0; i < 500; i++) { const o = {}; o.o = o }
    return key === 'length' ? 50 : 1
  } })`
  test.each<[code: string, name: string]>([
    ['const b = new SharedArrayBuffer(1, { maxByteLength: 4e6 }); b.grow(4e6)', 'ReferenceError'],
    [
      'const b = new ArrayBuffer(64, { maxByteLength: 64 }); new Int8Array(b).with(0, { valueOf: () => b.resize(1) })',
      'TypeError',
    ],
    ['new ArrayBuffer(8).transfer(16)', 'TypeError'],
    [`Object.keys(new Proxy({}, { ownKeys: () => (${long}) }))`, 'RangeError'],
    [`({ ...Proxy.revocable({}, { ownKeys: () => (${long}) }).proxy })`, 'RangeError'],
    [
      `new Proxy({}, new Proxy({}, { get: (_, key) => key === 'ownKeys' ? () => (${long}) : undefined }))`,
      'RangeError',
    ],
    [`Array.prototype.with.call(${long}, 0, 1)`, 'RangeError'],
    [`Array.prototype.toReversed.call(${long})`, 'RangeError'],
    [`Array.prototype.toSorted.call(${long})`, 'RangeError'],
    [`Array.prototype.toSpliced.call(${long}, 0, 0)`, 'RangeError'],
    ['const a = [1]; a.length = 2 ** 29; a.with(0, 1)', 'RangeError'],
  ])('%s', (code, name) => {
    const { answer, isSpent } = runIn(sandbox, code)
    expect(answer).toMatchObject({ kind: 'error', code: 'SCRIPT_ERROR' })
    expect(JSON.parse('details' in answer ? answer.details : '')).toMatchObject({ name })
    expect(isSpent).toBe(false)
  })

  test.each(['toReversed()', 'toSorted()', 'toSpliced(0, 1)', 'with(0, 2)'])(
    '%s, while memory is collected',
    (call) => {
      const code = `const source = ${collects}; let n = 0; for (let i = 0; i < 10; i++) n += [].${call.replace('(', '.call(source, ')}.length; n`
      expect([490, 500]).toContain(Number(value(code)))
    },
  )
})

describe('what was written anew does the same', () => {
  const anything = fc.oneof(fc.integer(), fc.string(), fc.constant(null), fc.boolean())
  const index = fc.oneof(fc.integer({ min: -12, max: 12 }), fc.constantFrom('1', '-2', 'x', 1.7, -1.2, null))
  const lists = fc.array(anything, { maxLength: 10 })

  test('with, toSpliced, toReversed, toSorted', () => {
    fc.assert(
      fc.property(lists, index, index, lists, (list, at, count, items) => {
        const calls = `[list.toSpliced(), list.toSpliced(at), list.toSpliced(at, count), list.toSpliced(at, count, ...items),
          list.toReversed(), list.toSorted(), list.toSorted((a, b) => String(a).length - String(b).length), list,
          (() => { try { return list.with(at, count) } catch (error) { return error.name } })()]`
        const args = { list, at, count, items }
        expect(value(calls, args)).toEqual(valueHere(calls, args))
      }),
      { numRuns: 150 },
    )
  })

  test.each([
    '[[1, , 3].toReversed(), [3, , 1].toSorted(), 0 in [, 1].with(1, 2), [, 1].toSpliced(1, 0, 5).length]',
    '[Array.prototype.with.call("abc", 1, "x"), Array.prototype.toReversed.call({ length: 2, 0: 1, 1: 2 })]',
    '["with", "toSpliced", "toReversed", "toSorted"].map((name) => [[][name].name, [][name].length])',
    '["with", "toSpliced", "toReversed", "toSorted"].map((name) => "prototype" in [][name])',
    '[[2, 1].toSorted, [].with].map((it) => { try { it.call(null) } catch (error) { return error.name } })',
    '(() => { try { [1].toSorted(1) } catch (error) { return error.name } })()',
    '[...new Float64Array([3, 1, 2]).toSorted(), ...new Uint8Array([3, 1, 2]).sort((a, b) => b - a)]',
    '[Proxy.name, Proxy.length, typeof Proxy.revocable, Object.keys(Proxy), "prototype" in Proxy]',
    '(() => { try { Proxy({}, {}) } catch (error) { return error.name } })()',
    '[[], {}, 1].map((it) => { try { return typeof new Proxy(it, it) } catch (error) { return error.name } })',
    `const seen = [], handler = new (class { #own = 7; get(target, key, self) { seen.push(this === handler, this.#own, self === p); return key } })()
     const p = new Proxy({}, handler); [p.a, handler.get({}, 'b'), seen.slice(0, 3)]`,
    `const seen = [], log = new Proxy({}, { get: (_, name) => (...them) => (seen.push(name), Reflect[name](...them)) })
     const p = new Proxy(function f() {}, log); p.a = 1; delete p.a; 'a' in p; p(); new p(); Object.keys(p); ({ ...p }); Object.freeze(p)
     Object.getPrototypeOf(p); Object.setPrototypeOf(p, Function.prototype); [p.name, seen]`,
    `const p = new Proxy({ a: 1, b: 2 }, { ownKeys: () => ['b', 'a', 'c'], getOwnPropertyDescriptor: (t, k) => ({ value: k, enumerable: true, configurable: true }) })
     ;[Object.keys(p), JSON.stringify(p), { ...p }]`,
    `[[1], ['a', 'a'], null, 5, { length: 1, 0: 'x' }].map((keys) => {
       try { return Reflect.ownKeys(new Proxy({}, { ownKeys: () => keys })) } catch (error) { return error.name } })`,
    `[{ ownKeys: 1 }, { get: 1 }, { get: null, ownKeys: undefined }].map((handler) => {
       try { return [new Proxy({ a: 1 }, handler).a, Object.keys(new Proxy({ a: 1 }, handler))] } catch (error) { return error.name } })`,
    'const { proxy, revoke } = Proxy.revocable([1], {}); const before = [proxy[0], Array.isArray(proxy)]; revoke(); [before, (() => { try { proxy[0] } catch (error) { return error.name } })()]',
  ])('%s', (code) => {
    expect(value(code)).toEqual(valueHere(code))
  })
})
