/** An interpreter that is ready to run scripts, one after another, each as if it were the first. */
import type { QuickJSContext, QuickJSHandle, QuickJSRuntime } from 'quickjs-emscripten-core'
import { besideSource, describeSource, writeSource } from './guest-code.ts'
import { hardeningSource } from './guest-code-hardening.ts'
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
 * How much may be put back of what scripts took beyond the first memory, in bytes over all scripts: about as long as making
 * another sandbox takes.
 */
const mostPutBack = 1e9

/**
 * A fresh runtime and context, and the image of its memory from before any script. Going back to the image costs a tenth
 * of making and tidying up new ones, and undoes more: each byte of the memory is what it was, also where a script wrote that
 * owned none of it. So nothing of a script is there for the next, not even for one that can read all of the memory.
 */
export class Sandbox {
  readonly quickJs: QuickJs
  readonly runtime: QuickJSRuntime
  readonly context: QuickJSContext
  readonly tools: Tools
  readonly #image: MemoryImage
  readonly #firstBytes: number
  #putBack = 0

  /** Rejects when the interpreter cannot be loaded. */
  static async load(limits: SandboxLimits): Promise<Sandbox> {
    return new Sandbox(await loadQuickJs(limits.memoryBytes, limits.stackBytes), limits)
  }

  private constructor(quickJs: QuickJs, { stackBytes }: SandboxLimits) {
    this.quickJs = quickJs
    this.runtime = quickJs.module.newRuntime()
    this.runtime.setMaxStackSize(stackBytes)
    this.context = this.runtime.newContext()
    const aside = this.runtime.newContext()
    for (const each of [this.context, aside]) evaluated(each, hardeningSource)
    const beside = evaluated(this.context, besideSource)
    this.tools = {
      begin: this.context.getProp(beside, 'begin'),
      valueIn: this.context.getProp(beside, 'valueIn'),
      logs: this.context.getProp(beside, 'logs'),
      write: evaluated(aside, writeSource),
      describe: evaluated(aside, describeSource),
    }
    this.#image = new MemoryImage(quickJs.memory)
    this.#firstBytes = quickJs.memory.buffer.byteLength
  }

  /** How much is put back for each script, in bytes. */
  get imageSize(): number {
    return this.#image.size
  }

  /** Whether it should be replaced: its memory has become so large that putting it back takes longer than making another. */
  get isSpent(): boolean {
    return this.quickJs.isLarge || this.#putBack > mostPutBack
  }

  /** Forgets every script. Handles from before mean nothing any more and need not be disposed. */
  reset(): void {
    this.#image.restore()
    this.#putBack += this.quickJs.memory.buffer.byteLength - this.#firstBytes
    this.quickJs.isFull = false
  }
}

function evaluated(context: QuickJSContext, source: string): QuickJSHandle {
  return context.unwrapResult(context.evalCode(source, 'guest.js', 0))
}
