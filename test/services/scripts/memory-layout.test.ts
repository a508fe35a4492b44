import { describe, expect, test } from 'bun:test'
import { resolve } from 'node:path'
import fc from 'fast-check'
import { compacted, moveHeap } from '../../../src/services/scripts/memory-layout.ts'
import { Sandbox } from '../../../src/services/scripts/sandbox.ts'
import { runIn, valueIn } from './run-script.ts'

const path = 'node_modules/@jitl/quickjs-wasmfile-release-sync/dist/emscripten-module.wasm'
const original = await Bun.file(resolve(import.meta.dir, '../../..', path)).bytes()
const pageBytes = 65_536

describe('the module with less memory', () => {
  test('is the same but for where its heap begins, and how much it has to begin with', () => {
    const { bytes, built, now } = compacted(original, 512e3)
    expect(WebAssembly.validate(bytes)).toBe(true)
    expect(bytes.length).toBe(original.length)
    expect(bytes.reduce((changed, byte, at) => changed + Number(byte !== original[at]), 0)).toBeLessThan(8)
    expect(built.heapFrom - now.heapFrom).toBeGreaterThan(4e6)
    expect(built.pages).toBe(256)
    expect(now.pages * pageBytes).toBeLessThan(1e6)
  })

  test.each([64e3, 300e3, 512e3])('a stack of %p bytes can be used to its end, and no further', async (stackBytes) => {
    const sandbox = await Sandbox.load({ memoryBytes: 64e6, stackBytes })
    const deep =
      'let n = 0; const f = () => { n++; f() }; try { f() } catch (error) { globalThis.left = [n, error.message] } left'
    const levels = stackBytes / 512e3
    expect(valueIn(sandbox, deep)).toEqual([expect.any(Number), 'stack overflow'])
    expect(Number(valueIn(sandbox, `${deep}[0]`))).toBeGreaterThan(500 * levels)
    for (const code of ['(function f() { f() })()', 'eval("[".repeat(1e5))', 'JSON.parse("[".repeat(1e5))'])
      expect(runIn(sandbox, code).answer).toMatchObject({ code: 'SCRIPT_LIMIT_EXCEEDED', details: '{"limit":"stack"}' })
    expect(valueIn(sandbox, 'new Map([[1, [2, "a"]]]).get(1)')).toEqual([2, 'a'])
  })

  test('is not made of a module that was built otherwise', () => {
    expect(() => compacted(original.subarray(0, 8), 512e3)).toThrow('no memory or no stack')
    expect(() => compacted(original, 64e6)).toThrow('no larger')
    const { bytes, built, now } = compacted(original, 512e3)
    expect(() => compacted(bytes, 512e3)).toThrow('no larger')
    const memory = new WebAssembly.Memory({ initial: 1 })
    expect(() => moveHeap(memory, { built, now })).toThrow('not found')
    const words = new Uint32Array(memory.buffer)
    words[5] = built.heapFrom
    moveHeap(memory, { built, now })
    expect(words[5]).toBe(now.heapFrom)
    words.fill(built.heapFrom, 7, 9)
    expect(() => moveHeap(memory, { built, now })).toThrow('not found')
  })

  test('of a module with a byte changed it ends', () => {
    const start = original.subarray(0, 4000)
    fc.assert(
      fc.property(fc.nat(start.length - 1), fc.option(fc.nat(255)), (at, byte) => {
        const bytes = byte === null ? start.slice(0, at) : start.slice()
        if (byte !== null) bytes[at] = byte
        try {
          compacted(bytes, 512e3)
        } catch (error) {
          expect(error).toBeInstanceOf(Error)
        }
      }),
      { numRuns: 1000 },
    )
  })
})
