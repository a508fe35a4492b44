/** An interpreter that is ready to run scripts, one after another, each as if it were the first. */
import type { QuickJSContext, QuickJSHandle, QuickJSRuntime } from 'quickjs-emscripten-core'
import { besideSource, describeSource, writeSource } from './guest-code.ts'
import { MemoryImage } from './memory-image.ts'
import { loadQuickJs, type QuickJs } from './quickjs.ts'

/** See guest-code.ts. */
interface Tools {
  readonly begin: QuickJSHandle
  readonly valueIn: QuickJSHandle
  readonly logs: QuickJSHandle
  readonly write: QuickJSHandle
  readonly describe: QuickJSHandle
}

/** What an interpreter may take, in bytes. */
export interface SandboxLimits {
  readonly memoryBytes: number
  readonly stackBytes: number
}

/**
 * A fresh runtime and context, and the image of its memory from before any script. Going back to the image costs a tenth
 * of making and tidying up new ones, and undoes more: also what a script did to memory that is not its own.
 */
export class Sandbox {
  readonly quickJs: QuickJs
  readonly runtime: QuickJSRuntime
  readonly context: QuickJSContext
  readonly tools: Tools
  readonly #image: MemoryImage

  /** Rejects when the interpreter cannot be loaded. */
  static async load(limits: SandboxLimits): Promise<Sandbox> {
    return new Sandbox(await loadQuickJs(limits.memoryBytes), limits)
  }

  private constructor(quickJs: QuickJs, { stackBytes }: SandboxLimits) {
    this.quickJs = quickJs
    this.runtime = quickJs.module.newRuntime()
    this.runtime.setMaxStackSize(stackBytes)
    this.context = this.runtime.newContext()
    const beside = evaluated(this.context, besideSource)
    const aside = this.runtime.newContext()
    this.tools = {
      begin: this.context.getProp(beside, 'begin'),
      valueIn: this.context.getProp(beside, 'valueIn'),
      logs: this.context.getProp(beside, 'logs'),
      write: evaluated(aside, writeSource),
      describe: evaluated(aside, describeSource),
    }
    this.#image = new MemoryImage(quickJs.memory)
  }

  /** How much is put back for each script, in bytes. */
  get imageSize(): number {
    return this.#image.size
  }

  /** Forgets every script. Handles from before mean nothing any more and need not be disposed. */
  reset(): void {
    this.#image.restore()
    this.quickJs.isFull = false
  }
}

function evaluated(context: QuickJSContext, source: string): QuickJSHandle {
  return context.unwrapResult(context.evalCode(source, 'guest.js', 0))
}
