/** One run of a script, in a runtime and a context of its own. */
import type { QuickJSContext, QuickJSHandle, QuickJSRuntime, VmCallResult } from 'quickjs-emscripten-core'
import type { JavascriptTask, ScriptAnswer } from '../threads/thread-protocol.ts'
import { beginSource, consoleSource, describeSource, writeSource } from './guest-code.ts'
import type { QuickJs } from './quickjs.ts'
import { brokenAnswer, failureAnswer, limitAnswer, timeoutAnswer, unsettledAnswer } from './script-failure.ts'

/** The longest output as JSON text, in characters: what is read back at once takes some milliseconds. */
const longestOutput = 1024 * 1024

/** QuickJS's flag for a script, not a module, with `await` outside functions: it evaluates to a promise of `{ value }`. */
const asyncScript = 128

/** How a run ended. `isSpent`: the interpreter must not be used again. */
export interface Ran {
  readonly answer: ScriptAnswer
  readonly isSpent: boolean
}

/** Thrown through the interpreter when a script's time is up. */
class TimeIsUp extends Error {}

/** Runs a script to its end. `isOver` is asked all the time, and ends it as TIMEOUT. Never throws. */
export function runScript(quickJs: QuickJs, task: JavascriptTask, isOver: () => boolean): Ran {
  let answer: ScriptAnswer | undefined
  quickJs.isFull = false
  quickJs.check = () => {
    if (isOver()) throw new TimeIsUp()
  }
  try {
    const run = new Run(quickJs, task)
    answer = run.answer()
    // What is thrown away whole need not be tidied up.
    const isSpent = quickJs.isFull || quickJs.isLarge
    if (!isSpent) run.dispose()
    return { answer, isSpent }
  } catch (thrown) {
    return { answer: answer ?? answerToHostError(thrown, quickJs), isSpent: true }
  }
}

/** What was thrown through the interpreter, not inside it: it does not know what it was doing any more. */
function answerToHostError(thrown: unknown, { isFull }: QuickJs): ScriptAnswer {
  if (thrown instanceof TimeIsUp) return timeoutAnswer()
  // The stack of this thread may be used up before the interpreter's own is.
  if (thrown instanceof RangeError && thrown.message.includes('call stack')) return limitAnswer('stack')
  return isFull ? limitAnswer('memory') : brokenAnswer()
}

function seed(): string {
  return JSON.stringify([...crypto.getRandomValues(new Int32Array(4))])
}

/** Thrown where a script failed, with what it threw. */
class Thrown extends Error {
  readonly handle: QuickJSHandle

  constructor(handle: QuickJSHandle) {
    super()
    this.handle = handle
  }
}

class Run {
  readonly #quickJs: QuickJs
  readonly #task: JavascriptTask
  readonly #runtime: QuickJSRuntime
  readonly #context: QuickJSContext
  readonly #handles: QuickJSHandle[] = []
  /** Where what the script left behind is looked at: a context that it has never touched. */
  #aside: QuickJSContext | undefined

  constructor(quickJs: QuickJs, task: JavascriptTask) {
    this.#quickJs = quickJs
    this.#task = task
    this.#runtime = quickJs.module.newRuntime()
    this.#runtime.setMaxStackSize(task.stackBytes)
    this.#context = this.#runtime.newContext()
  }

  answer(): ScriptAnswer {
    try {
      return this.#run()
    } catch (thrown) {
      if (thrown instanceof Thrown) return this.#failure(thrown.handle)
      throw thrown
    }
  }

  /** Everything must be let go of, or the interpreter aborts. */
  dispose(): void {
    for (const handle of this.#handles) handle.dispose()
    this.#aside?.dispose()
    this.#context.dispose()
    this.#runtime.dispose()
  }

  #run(): ScriptAnswer {
    const context = this.#context
    const { code, args, names, captureLogs } = this.#task
    const logs = captureLogs ? this.#take(context.evalCode(consoleSource, 'console.js', 0)) : undefined
    const begin = this.#take(context.evalCode(beginSource, 'begin.js', 0))
    const texts = [args, names, seed()].map((text) => this.#keep(context.newString(text)))
    const valueIn = this.#call(begin, ...texts)
    const evaluated = this.#take(context.evalCode(code, 'script.js', asyncScript))
    this.#settle()
    const box = this.#settled(evaluated)
    const value = box && this.#settled(this.#call(valueIn, box))
    if (value === undefined) return unsettledAnswer()
    const json = this.#textOf(value)
    if (json.startsWith('!')) return failureAnswer(json.slice(1), this.#quickJs.isFull)
    const lines = logs === undefined ? '[]' : context.getString(this.#call(logs))
    // There was no memory to hand it over.
    if (json === '' || lines === '') return limitAnswer('memory')
    return { kind: 'value', json: `{${json === 'undefined' ? '' : `"value":${json},`}"logs":${lines}}` }
  }

  /** Makes every step that promises still have to make. */
  #settle(): void {
    while (this.#runtime.hasPendingJob()) {
      const { error } = this.#runtime.executePendingJobs()
      if (error !== undefined) this.#keep(error)
    }
  }

  /** What a promise was fulfilled with; undefined when it is still pending; what is no promise is its own value. */
  #settled(promise: QuickJSHandle): QuickJSHandle | undefined {
    const state = this.#context.getPromiseState(promise)
    if (state.type === 'pending') return undefined
    if (state.type === 'rejected') throw new Thrown(this.#keep(state.error))
    return state.notAPromise ? promise : this.#keep(state.value)
  }

  /** See writeSource. */
  #textOf(value: QuickJSHandle): string {
    const context = this.#context
    const type = context.typeof(value)
    if (type === 'undefined') return type
    const number = type === 'number' ? context.getNumber(value) : Number.NaN
    if (Number.isFinite(number)) return JSON.stringify(number)
    return context.getString(this.#call(this.#lookAt(writeSource), value, context.newNumber(longestOutput)))
  }

  #failure(thrown: QuickJSHandle): ScriptAnswer {
    const { isFull } = this.#quickJs
    const context = this.#context
    const described = context.callFunction(this.#lookAt(describeSource), context.undefined, thrown)
    const text = this.#keep(described.error ?? described.value)
    const json = described.error === undefined ? context.getString(text) : ''
    // Only for want of memory is something not described.
    return json === '' ? limitAnswer('memory') : failureAnswer(json.slice(1), isFull)
  }

  #lookAt(source: string): QuickJSHandle {
    this.#aside ??= this.#runtime.newContext()
    return this.#take(this.#aside.evalCode(source, 'aside.js', 0))
  }

  #call(callee: QuickJSHandle, ...args: readonly QuickJSHandle[]): QuickJSHandle {
    return this.#take(this.#context.callFunction(callee, this.#context.undefined, ...args))
  }

  #take(result: VmCallResult<QuickJSHandle>): QuickJSHandle {
    if (result.error !== undefined) throw new Thrown(this.#keep(result.error))
    return this.#keep(result.value)
  }

  #keep(handle: QuickJSHandle): QuickJSHandle {
    this.#handles.push(handle)
    return handle
  }
}
