import { describe, expect, test } from 'bun:test'
import { stackOfModule } from '../../../src/services/scripts/memory-image.ts'
import { Sandbox } from '../../../src/services/scripts/sandbox.ts'
import { runScript } from '../../../src/services/scripts/script-run.ts'

const limits = { memoryBytes: 64e6, stackBytes: 512e3 }

function run(sandbox: Sandbox, code: string, args: Readonly<Record<string, unknown>> = {}): unknown {
  const names = JSON.stringify(Object.keys(args))
  const task = { kind: 'javascript', code, args: JSON.stringify(args), names, captureLogs: true, ...limits } as const
  return runScript(sandbox, task, () => false)
}

const answer = (value: unknown, logs: readonly string[] = []) => ({
  answer: { kind: 'value', json: JSON.stringify({ value, logs }) },
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
      'new FinalizationRegistry(() => 1).register({}, 1); new WeakRef({}); 1',
    ]
    for (const code of hostile) {
      run(sandbox, code)
      expect(run(sandbox, thorough, { x: 5 })).toEqual(answer(expected, ['here']))
      expect(run(sandbox, 'typeof left + typeof kept + typeof Math.random')).toEqual(
        answer('undefinedundefinedfunction'),
      )
    }
  })

  test('goes back to an image that is small', async () => {
    const sandbox = await Sandbox.load(limits)
    expect(sandbox.imageSize).toBeLessThan(512 * 1024)
  })

  test('needs nothing of what the image leaves out', async () => {
    const sandbox = await Sandbox.load(limits)
    const { memory } = sandbox.quickJs
    const bytes = new Uint8Array(memory.buffer)
    const heapEnd = stackOfModule.to + sandbox.imageSize - stackOfModule.from
    for (const garbage of [0xff, 0xaa, 0x01]) {
      bytes.fill(garbage, stackOfModule.from, stackOfModule.to)
      bytes.fill(garbage, heapEnd)
      expect(run(sandbox, thorough, { x: 5 })).toEqual(answer(expected, ['here']))
    }
  })

  test('is spent when it has grown large, or when something was thrown through it', async () => {
    const grown = run(await Sandbox.load(limits), 'new Array(2e6).fill(1).length')
    expect(grown).toEqual({ ...answer(2_000_000), isSpent: true })
    const sandbox = await Sandbox.load(limits)
    const task = { kind: 'javascript', args: '{}', names: '[]', captureLogs: false, ...limits } as const
    expect(runScript(sandbox, { ...task, code: 'for (;;);' }, () => true)).toMatchObject({
      answer: { code: 'TIMEOUT' },
      isSpent: true,
    })
  })
})
