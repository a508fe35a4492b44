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

/** How many steps of promises are made between two looks at the time. */
const stepsAtOnce = 32

/** How a run ended. `isSpent`: the interpreter must not be used again. */
export interface Ran {
  readonly answer: ScriptAnswer
  readonly isSpent: boolean
}

/** Runs a script to its end. `isOver` is asked all the time, and ends it as TIMEOUT. Never throws. */
export function runScript(quickJs: QuickJs, task: JavascriptTask, isOver: () => boolean): Ran {
  quickJs.isFull = false
  let answer: ScriptAnswer | undefined
  try {
    const run = new Run(quickJs, task, isOver)
    answer = run.answer()
    // What is thrown away whole need not be tidied up.
    if (quickJs.isFull || quickJs.isLarge) return { answer, isSpent: true }
    run.dispose()
    return { answer, isSpent: false }
  } catch (thrown) {
    return { answer: answer ?? answerToHostError(thrown, quickJs), isSpent: true }
  }
}

/** What was thrown through the interpreter, not inside it: it does not know what it was doing any more. */
function answerToHostError(thrown: unknown, { isFull }: QuickJs): ScriptAnswer {
  // The stack of this thread may be used up before the interpreter's own is.
  if (thrown instanceof RangeError && thrown.message.includes('call stack')) return limitAnswer('stack')
  return isFull ? limitAnswer('memory') : brokenAnswer()
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
  #isOver = false

  constructor(quickJs: QuickJs, task: JavascriptTask, isOver: () => boolean) {
    this.#quickJs = quickJs
    this.#task = task
    this.#runtime = quickJs.module.newRuntime()
    this.#runtime.setMaxStackSize(task.stackBytes)
    this.#runtime.setInterruptHandler(() => {
      this.#isOver ||= isOver()
      return this.#isOver
    })
    this.#context = this.#runtime.newContext()
  }

  answer(): ScriptAnswer {
    try {
      const answer = this.#run()
      return this.#isOver ? timeoutAnswer() : answer
    } catch (thrown) {
      if (!(thrown instanceof Thrown)) throw thrown
      return this.#isOver ? timeoutAnswer() : this.#failure(thrown.handle)
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
    this.#call(begin, this.#keep(context.newString(args)), this.#keep(context.newString(names)))
    const evaluated = this.#take(context.evalCode(code, 'script.js', asyncScript))
    this.#settle()
    const box = this.#settled(evaluated)
    const value = box && this.#settled(this.#get(box, 'value'))
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
    while (!this.#isOver && this.#runtime.hasPendingJob()) {
      const { error } = this.#runtime.executePendingJobs(stepsAtOnce)
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
    if (this.#isOver) return timeoutAnswer()
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

  #get(object: QuickJSHandle, name: string): QuickJSHandle {
    return this.#keep(this.#context.getProp(object, name))
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
