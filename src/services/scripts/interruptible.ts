/**
 * Makes a WebAssembly module ask again and again whether it may go on, whatever it does. Without that nothing stops it in
 * a loop of its own: ending its thread does not.
 */
import { WasmReader } from './wasm-reader.ts'

/** The import that a module asks by calling it: what that throws ends the module where it stands. */
export interface Question {
  readonly module: string
  readonly name: string
}

interface Interruptible {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly asks: Question
}

/** How much is done between two questions, in turns of loops: well below a millisecond. */
const interval = 10_000

/** What copying or filling memory counts as, in turns: it may take as long as very many. */
const bulkCost = 1000

const head = 8
const section = { type: 1, import: 2, global: 6, code: 10 } as const
const opcode = { loop: 0x03, prefix: 0xfc, memoryCopy: 10, memoryFill: 11 } as const

/**
 * Puts a count into every loop and before every bulk operation. Asked is the first import that takes nothing and gives a
 * float, as the clock of emscripten does. Throws on what is no such module.
 */
export function interruptible(original: Uint8Array): Interruptible {
  const reader = new WasmReader(original)
  const parts: Uint8Array[] = [reader.part(head).rest()]
  let clockTypes: readonly number[] = []
  let clock: ReturnType<typeof findClock>
  let counter = -1
  while (!reader.isAtEnd) {
    const from = reader.position
    const id = reader.byte()
    const body = reader.part(reader.number())
    const whole = original.subarray(from, reader.position)
    if (id === section.type) clockTypes = typesOfClocks(body)
    else if (id === section.import) clock = findClock(body, clockTypes)
    else if (id === section.global) {
      counter = body.number()
      // A new one at the end: an i32 that can be changed.
      parts.push(framed(id, [unsigned(counter + 1), body.rest(), [0x7f, 1, 0x41, ...signed(interval), 0x0b]]))
      continue
    } else if (id === section.code && clock !== undefined && counter >= 0) {
      parts.push(framed(id, withCounts(body, original, { counter, clock: clock.index })))
      continue
    }
    parts.push(whole)
  }
  if (clock === undefined || counter < 0) throw new Error('The module has no clock or no globals')
  return { bytes: joined(parts), asks: { module: clock.module, name: clock.name } }
}

/** The numbers of the types that take nothing and give a float. */
function typesOfClocks(body: WasmReader): readonly number[] {
  return Array.from({ length: body.number() }, (_, index) => {
    body.byte()
    const parameters = body.part(body.number()).rest()
    const results = body.part(body.number()).rest()
    return parameters.length === 0 && results.length === 1 && results[0] === 0x7c ? index : -1
  })
}

/** The first imported function of such a type. Throws on imports of other kinds than functions and memories. */
function findClock(body: WasmReader, types: readonly number[]): (Question & { readonly index: number }) | undefined {
  let clock: (Question & { readonly index: number }) | undefined
  let index = 0
  for (let left = body.number(); left > 0; left--) {
    const [module, name, kind] = [body.text(), body.text(), body.byte()]
    if (kind === 2) body.skipNumbers((body.byte() & 1) === 1 ? 2 : 1)
    else if (kind !== 0) throw new Error(`The module imports something of the kind ${kind}`)
    else {
      if (types.includes(body.number())) clock ??= { module, name, index }
      index++
    }
  }
  return clock
}

interface Numbers {
  readonly counter: number
  readonly clock: number
}

function withCounts(body: WasmReader, original: Uint8Array, numbers: Numbers): readonly Bytes[] {
  const counts = { turn: count(1, numbers), bulk: count(bulkCost, numbers) }
  const functions = body.number()
  const parts: Bytes[] = [unsigned(functions)]
  for (let left = functions; left > 0; left--) {
    const code = body.part(body.number())
    const own: Bytes[] = []
    let from = code.position
    for (const [position, what] of placesOf(code)) {
      own.push(original.subarray(from, position), counts[what])
      from = position
    }
    own.push(original.subarray(from, code.position))
    parts.push(unsigned(lengthOf(own)), ...own)
  }
  return parts
}

/** Where in a function something is to be counted. */
function* placesOf(code: WasmReader): Generator<readonly [position: number, what: 'turn' | 'bulk']> {
  for (let groups = code.number(); groups > 0; groups--) code.skipNumbers(2)
  while (!code.isAtEnd) {
    const at = code.position
    const instruction = code.byte()
    if (instruction === opcode.prefix) {
      const second = code.number()
      if (second === opcode.memoryCopy || second === opcode.memoryFill) yield [at, 'bulk']
      code.skipPrefixedImmediates(second)
    } else code.skipImmediates(instruction)
    if (instruction === opcode.loop) yield [code.position, 'turn']
  }
}

/** Instructions that count down, and that ask and begin anew below one. They leave the stack as it was. */
function count(cost: number, { counter, clock }: Numbers): Bytes {
  const [get, set] = [
    [0x23, ...unsigned(counter)],
    [0x24, ...unsigned(counter)],
  ]
  const countDown = [...get, 0x41, ...signed(cost), 0x6b, ...set]
  const begin = [0x41, ...signed(interval), ...set]
  const ask = [0x10, ...unsigned(clock), 0x1a]
  return Uint8Array.from([...countDown, ...get, 0x41, 1, 0x48, 0x04, 0x40, ...begin, ...ask, 0x0b])
}

type Bytes = Uint8Array | readonly number[]

function framed(id: number, parts: readonly Bytes[]): Uint8Array {
  return joined([[id], unsigned(lengthOf(parts)), ...parts])
}

function lengthOf(parts: readonly Bytes[]): number {
  return parts.reduce((sum, { length }) => sum + length, 0)
}

function joined(parts: readonly Bytes[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(lengthOf(parts))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

function unsigned(value: number): readonly number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)]
}

/** For numbers that are not negative. */
function signed(value: number): readonly number[] {
  return value < 0x40 ? [value] : [(value & 0x7f) | 0x80, ...signed(value >>> 7)]
}
