import { describe, expect, test } from 'bun:test'
import { resolve } from 'node:path'
import fc from 'fast-check'
import { interruptible } from '../../../src/services/scripts/interruptible.ts'

const interval = 10_000
const [i32, f64, none] = [0x7f, 0x7c, 0x40]

const section = (id: number, ...bytes: readonly number[]) => [id, bytes.length, ...bytes]
const name = (text: string) => [text.length, ...new TextEncoder().encode(text)]
const body = (...instructions: readonly number[]) => [instructions.length + 2, 0, ...instructions, 0x0b]

/** A module with a clock, a page of memory, a global and these functions, which take nothing and give an i32. */
function moduleOf(functions: Readonly<Record<string, readonly number[]>>): Uint8Array {
  const bodies = Object.values(functions)
  const exports = Object.keys(functions).flatMap((each, index) => [...name(each), 0, index + 1])
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, 2, 0x60, 0, 1, f64, 0x60, 0, 1, i32),
    ...section(2, 1, ...name('env'), ...name('now'), 0, 0),
    ...section(3, bodies.length, ...bodies.map(() => 1)),
    ...section(5, 1, 0, 1),
    ...section(6, 1, i32, 1, 0x41, 0, 0x0b),
    ...section(7, bodies.length, ...exports),
    ...section(10, bodies.length, ...bodies.flatMap((each) => body(...each))),
  ])
}

/** `loop … br 0 end`, and a result that is never reached. */
const forEver = (...inner: readonly number[]) => [0x03, none, ...inner, 0x0c, 0, 0x0b, 0x41, 0]

const add = (n: number) => [0x23, 0, 0x41, n, 0x6a, 0x24, 0]

/** Counts the first global up to 2^14 in a loop that does so on a full stack, and gives 7 and that. */
const counting = [0x41, 7, 0x03, none, ...add(1), 0x23, 0, 0x41, 0x80, 0x80, 1, 0x48, 0x0d, 0, 0x0b, 0x23, 0, 0x6a]

const functions = {
  spin: forEver(),
  nested: forEver(0x02, none, ...forEver(0x0c, 1), 0x1a, 0x0b),
  // Fills half a page.
  fill: forEver(0x41, 0, 0x41, 1, 0x41, 0x80, 0x80, 2, 0xfc, 11, 0),
  copy: forEver(0x41, 0, 0x41, 0, 0x41, 0x80, 0x80, 2, 0xfc, 10, 0, 0),
  counting,
}

async function open(mostQuestions: number) {
  const { bytes, asks } = interruptible(moduleOf(functions))
  let questions = 0
  const now = (): number => {
    questions++
    if (questions > mostQuestions) throw new Error('enough')
    return 0
  }
  const { instance } = await WebAssembly.instantiate(bytes, { [asks.module]: { [asks.name]: now } })
  // Every function of the module is one of these.
  const run = instance.exports as Readonly<Record<string, () => number>>
  return { run: (which: keyof typeof functions) => run[which]?.(), questions: () => questions }
}

describe('a module that can be interrupted', () => {
  test.each(['spin', 'nested', 'fill', 'copy'] as const)('asks for ever: %s', async (which) => {
    const module = await open(100)
    expect(() => module.run(which)).toThrow('enough')
    expect(module.questions()).toBe(101)
  })

  test('asks once in so many turns, and computes what it did before', async () => {
    const module = await open(100)
    expect(module.run('counting')).toBe(7 + 2 ** 14)
    expect(module.questions()).toBe(Math.floor(2 ** 14 / interval))
  })

  test('is asked by the interpreter that is used', async () => {
    const path = 'node_modules/@jitl/quickjs-wasmfile-release-sync/dist/emscripten-module.wasm'
    const bytes = await Bun.file(resolve(import.meta.dir, '../../..', path)).bytes()
    const made = interruptible(bytes)
    expect(WebAssembly.validate(made.bytes)).toBe(true)
    const imports = WebAssembly.Module.imports(await WebAssembly.compile(made.bytes))
    expect(imports).toContainEqual({ ...made.asks, kind: 'function' } as never)
  })
})

describe('what is no such module is refused', () => {
  const whole = moduleOf(functions)

  test('without a clock, or with instructions that are not known', () => {
    expect(() => interruptible(whole.subarray(0, 8))).toThrow('no clock')
    expect(() => interruptible(moduleOf({ odd: [0xfd, 0, 0x41, 0] }))).toThrow('not known: 253')
    expect(() => interruptible(moduleOf({ odd: [0xfc, 99, 0x41, 0] }))).toThrow('not known: 99')
  })

  test('cut short, or with a byte changed, it ends', () => {
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.option(fc.nat(255)), (at, byte) => {
        const bytes = byte === null ? whole.slice(0, at) : whole.slice()
        if (byte !== null) bytes[at] = byte
        try {
          interruptible(bytes)
        } catch (error) {
          expect(error).toBeInstanceOf(Error)
        }
      }),
      { numRuns: 2000 },
    )
  })
})
