/** QuickJS compiled to WebAssembly, in a memory that cannot grow beyond a limit. */
import variant from '@jitl/quickjs-singlefile-mjs-release-sync'
import { newQuickJSWASMModuleFromVariant, newVariant, type QuickJSWASMModule } from 'quickjs-emscripten-core'

const pageBytes = 65_536

/** What the module takes to begin with, in pages: it was built for that, five megabytes of it are its stack. */
const firstPages = 256

/** An interpreter. Once anything has been thrown through it, or it has grown large, it is spent: take another. */
export interface QuickJs {
  readonly module: QuickJSWASMModule
  /** Whether it last asked for more memory than there is; set it to false before a run. */
  isFull: boolean
  /** Whether it has taken more than half of the memory it may take, which it never gives back. */
  readonly isLarge: boolean
}

/** Loads an interpreter that never takes more than `memoryBytes`, about. Takes some twenty milliseconds. */
export async function loadQuickJs(memoryBytes: number): Promise<QuickJs> {
  const maximum = Math.max(firstPages, Math.floor(memoryBytes / pageBytes))
  const memory = new WebAssembly.Memory({ initial: firstPages, maximum })
  const pages = (): number => memory.buffer.byteLength / pageBytes
  const grow = memory.grow.bind(memory)
  // One error for all refusals: a script that asks again and again would make hundreds of megabytes of them.
  const refusal = new RangeError('No more memory')
  memory.grow = (more) => {
    quickJs.isFull = pages() + more > maximum
    if (quickJs.isFull) throw refusal
    return grow(more)
  }
  const emscripten = { wasmMemory: memory, print: () => undefined, printErr: () => undefined }
  const quickJs = {
    module: await newQuickJSWASMModuleFromVariant(newVariant(variant, { emscriptenModule: emscripten })),
    isFull: false,
    get isLarge() {
      return pages() > Math.max(firstPages, maximum / 2)
    },
  }
  return quickJs
}
