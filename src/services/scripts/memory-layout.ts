/**
 * Where a module compiled by emscripten has its stack and its heap. It is built for five megabytes of stack and sixteen of
 * memory; all of it is put back before each script, so it is given less to begin with.
 */
import { WasmReader } from './wasm-reader.ts'

/** What a module begins with. */
export interface MemoryLayout {
  /** Where the stack begins, which grows down from there, and the heap, which grows up, in bytes. */
  readonly heapFrom: number
  /** Its memory, in pages of 65,536 bytes. */
  readonly pages: number
}

interface Compacted {
  readonly bytes: Uint8Array
  readonly built: MemoryLayout
  readonly now: MemoryLayout
}

/** The stack that the module is built for, in bytes: emscripten's option STACK_SIZE. */
const builtStackBytes = 5 * 1024 * 1024

/** What the interpreter may take beyond the limit that it is given, in bytes: some hundreds were measured. */
const spareStackBytes = 64 * 1024

/** For the interpreter and a script of the usual size, in pages. */
const firstHeapPages = 4

const pageBytes = 65_536
const head = 8
const section = { import: 2, global: 6 } as const

/**
 * The same module with a stack for little more than `stackBytes`, and less memory. Its heap begins where `moveHeap` says, which has to be called
 * before any of its functions. Throws on a module that emscripten has not made so.
 */
export function compacted(original: Uint8Array, stackBytes: number): Compacted {
  const bytes = original.slice()
  const reader = new WasmReader(original)
  reader.part(head)
  let stack: Found | undefined
  let memory: Found | undefined
  while (!reader.isAtEnd) {
    const id = reader.byte()
    const body = reader.part(reader.number())
    if (id === section.import) memory = findMemory(body)
    if (id === section.global) stack = findStack(body)
  }
  if (memory === undefined || stack === undefined) throw new Error('The module has no memory or no stack')
  const heapFrom = stack.value - builtStackBytes + Math.ceil((stackBytes + spareStackBytes) / 16) * 16
  const pages = Math.ceil(heapFrom / pageBytes) + firstHeapPages
  if (stack.value < builtStackBytes || memory.value < pages) throw new Error('The stack of the module is no larger')
  write(bytes, stack, heapFrom)
  write(bytes, memory, pages)
  return { bytes, built: { heapFrom: stack.value, pages: memory.value }, now: { heapFrom, pages } }
}

/** Lets the heap begin behind the smaller stack: its end stands once in the module's data. Throws when it does not. */
export function moveHeap(memory: WebAssembly.Memory, { built, now }: Pick<Compacted, 'built' | 'now'>): void {
  const words = new Uint32Array(memory.buffer)
  const at = words.indexOf(built.heapFrom)
  if (at < 0 || words.lastIndexOf(built.heapFrom) !== at) throw new Error('The heap of the module is not found')
  words[at] = now.heapFrom
}

/** A number and the bytes that it is written in. */
interface Found {
  readonly value: number
  readonly from: number
  readonly to: number
}

function found(body: WasmReader): Found {
  const from = body.position
  return { value: body.number(), from, to: body.position }
}

/** The least size of the imported memory. */
function findMemory(body: WasmReader): Found | undefined {
  for (let left = body.number(); left > 0; left--) {
    body.text()
    body.text()
    if (body.byte() !== 2) body.skipNumbers(1)
    else {
      body.byte()
      return found(body)
    }
  }
  return undefined
}

/** What the first global begins with, an i32 that can be changed: emscripten has the stack pointer there. */
function findStack(body: WasmReader): Found | undefined {
  const isStack = body.number() > 0 && body.byte() === 0x7f && body.byte() === 1 && body.byte() === 0x41
  return isStack ? found(body) : undefined
}

/** In as many bytes as the number before took, so that nothing else moves. */
function write(bytes: Uint8Array, { from, to }: Found, value: number): void {
  let left = value
  for (let at = from; at < to; at++) {
    bytes[at] = (left & 0x7f) | (at < to - 1 ? 0x80 : 0)
    left >>>= 7
  }
}
