import { describe, expect, test } from 'bun:test'
import { Sandbox } from '../../../src/services/scripts/sandbox.ts'
import { limits, runIn } from './run-script.ts'

const answer = (value: unknown, logs: readonly string[] = []) => ({
  answer: { kind: 'value' as const, json: JSON.stringify({ value, logs }) },
  isSpent: false,
})

/** Uses what is made of memory that has to be zero, and the collector, the stack, numbers, texts, and expressions. */
const thorough = `
  const holes = new Array(1000), zeros = new Float64Array(10000), map = new Map()
  for (let i = 0; i < 2000; i++) map.set('key ' + i, { i, list: [i, String(i)] })
  let cycles = 0
  for (let i = 0; i < 2000; i++) { const a = {}; a.b = { a }; cycles++ }
  const deep = (n) => (n > 0 ? 1 + deep(n - 1) : 0)
  console.log('here')
  ;[holes.filter(() => true).length, zeros.every((n) => n === 0), map.size, map.get('key 77').list, cycles, deep(500),
    'a-b-c'.replace(/-(.)/g, (_, it) => it.toUpperCase()), 2n ** 100n, [3, 1, 2].sort(), await Promise.resolve(x)]`
const expected = [0, true, 2000, [77, '77'], 2000, 500, 'aBC', String(2n ** 100n), [1, 2, 3], 5]

describe('a sandbox', () => {
  test('gives the same to each script, whatever the one before did', async () => {
    const sandbox = await Sandbox.load(limits)
    const hostile = [
      'globalThis.left = 1; Object.prototype.left = 1; Array.prototype.map = null; Math.random = null; console.log = null; 1',
      'const kept = new Array(1e5).fill({}); kept.length',
      'throw new Error("x")',
      'new Promise(() => {})',
      'Promise.resolve().then(() => { throw 1 }); ({ a: () => 1 })',
      'new WeakRef({}); new WeakMap([[{}, 1]]); 1',
    ]
    for (const code of hostile) {
      runIn(sandbox, code)
      expect(runIn(sandbox, thorough, { x: 5 })).toEqual(answer(expected, ['here']))
      expect(runIn(sandbox, 'typeof left + typeof kept + typeof Math.random')).toEqual(
        answer('undefinedundefinedfunction'),
      )
    }
  })

  test('goes back to an image that is small', async () => {
    const sandbox = await Sandbox.load(limits)
    expect(sandbox.imageSize).toBeLessThan(512 * 1024)
  })

  test('has all of its memory put back before each script', async () => {
    const sandbox = await Sandbox.load(limits)
    for (const garbage of [0xff, 0xaa, 0x01]) {
      new Uint8Array(sandbox.quickJs.memory.buffer).fill(garbage)
      expect(runIn(sandbox, thorough, { x: 5 })).toEqual(answer(expected, ['here']))
    }
  })

  test('is spent when it has grown large, or when something was thrown through it', async () => {
    const grown = runIn(await Sandbox.load(limits), 'new Uint8Array(40e6).length')
    expect(grown).toEqual({ ...answer(40_000_000), isSpent: true })
    const sandbox = await Sandbox.load(limits)
    expect(runIn(sandbox, 'for (;;);', {}, () => true)).toMatchObject({ answer: { code: 'TIMEOUT' }, isSpent: true })
  })
})
