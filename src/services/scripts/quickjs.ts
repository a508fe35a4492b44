/** QuickJS compiled to WebAssembly, in a memory that cannot grow beyond a limit, and able to be stopped anywhere. */
import variant from '@jitl/quickjs-wasmfile-release-sync'
// @ts-expect-error -- The package has no types for this: its path, inside the executable where there is one.
import wasmPath from '@jitl/quickjs-wasmfile-release-sync/wasm' with { type: 'file' }
import { newQuickJSWASMModuleFromVariant, newVariant, type QuickJSWASMModule } from 'quickjs-emscripten-core'
import { interruptible, type Question } from './interruptible.ts'
import { compacted, type MemoryLayout, moveHeap } from './memory-layout.ts'

const pageBytes = 65_536

/** An interpreter. Once anything has been thrown through it, it must not be used again. */
export interface QuickJs {
  readonly module: QuickJSWASMModule
  readonly memory: WebAssembly.Memory
  /** Called again and again while it does anything; what it throws ends that. */
  check: () => void
  /** Whether it last asked for more memory than there is; set it to false before a run. */
  isFull: boolean
  /** Whether it has taken more than half of the memory it may take, which it never gives back. */
  readonly isLarge: boolean
}

interface Compiled {
  readonly module: WebAssembly.Module
  readonly asks: Question
  readonly built: MemoryLayout
  readonly now: MemoryLayout
}

/** For each size of the stack; in practice there is one. */
const compiling = new Map<number, Promise<Compiled>>()

/**
 * Loads an interpreter that never takes more than `memoryBytes`, about, and may be allowed `stackBytes` of stack: some
 * forty milliseconds, then one.
 */
export async function loadQuickJs(memoryBytes: number, stackBytes: number): Promise<QuickJs> {
  const compiled = compiling.get(stackBytes) ?? compile(stackBytes)
  compiling.set(stackBytes, compiled)
  const { module, asks, ...layouts } = await compiled
  const initial = layouts.now.pages
  const maximum = Math.max(initial, Math.floor(memoryBytes / pageBytes))
  const memory = new WebAssembly.Memory({ initial, maximum })
  const pages = (): number => memory.buffer.byteLength / pageBytes
  const grow = memory.grow.bind(memory)
  // One error for all refusals: a script that asks again and again would make hundreds of megabytes of them.
  const refusal = new RangeError('No more memory')
  memory.grow = (more) => {
    quickJs.isFull = pages() + more > maximum
    if (quickJs.isFull) throw refusal
    return grow(more)
  }
  const failed = Promise.withResolvers<never>()
  const instantiateWasm = async (imports: Bun.WebAssembly.Imports, done: (instance: WebAssembly.Instance) => void) => {
    try {
      const instance = await WebAssembly.instantiate(
        module,
        asking(imports, asks, () => quickJs.check()),
      )
      moveHeap(memory, layouts)
      done(instance)
    } catch (error) {
      // Emscripten would wait for ever.
      failed.reject(error)
    }
    return {}
  }
  const emscripten = { wasmMemory: memory, instantiateWasm, print: () => undefined, printErr: () => undefined }
  const loaded = newQuickJSWASMModuleFromVariant(newVariant(variant, { emscriptenModule: emscripten }))
  const quickJs: QuickJs = {
    module: await Promise.race([loaded, failed.promise]),
    memory,
    check: () => undefined,
    isFull: false,
    get isLarge() {
      return pages() > Math.max(initial, maximum / 2)
    },
  }
  return quickJs
}

/** The same imports, but that one of them calls `check` before it does what it is for. */
function asking(
  imports: Bun.WebAssembly.Imports,
  { module, name }: Question,
  check: () => void,
): Bun.WebAssembly.Imports {
  const own = imports[module]
  const asked = own?.[name]
  if (typeof asked !== 'function') throw new Error('The interpreter does not import what it asks')
  const askingFirst = (): unknown => {
    check()
    return Reflect.apply(asked, undefined, [])
  }
  return { ...imports, [module]: { ...own, [name]: askingFirst } }
}

async function compile(stackBytes: number): Promise<Compiled> {
  const path: unknown = wasmPath
  const { bytes: small, ...layouts } = compacted(await Bun.file(String(path)).bytes(), stackBytes)
  const { bytes, asks } = interruptible(small)
  return { module: await WebAssembly.compile(bytes), asks, ...layouts }
}
