/** One run of a script in a sandbox. */
import type { QuickJSHandle, QuickJSRuntime, VmCallResult } from 'quickjs-emscripten-core'
import type { JavascriptTask, ScriptAnswer } from '../threads/thread-protocol.ts'
import type { QuickJs } from './quickjs.ts'
import type { Sandbox } from './sandbox.ts'
import { brokenAnswer, failureAnswer, limitAnswer, timeoutAnswer, unsettledAnswer } from './script-failure.ts'

/** The longest output as JSON text, in characters: what is read back at once takes some milliseconds. */
const longestOutput = 1024 * 1024

/** The longest logs as JSON text, in characters: what guest code keeps, each character written as six, and what is between. */
const longestLogs = 6 * 65_536 + 3 * 1000 + 2

/** QuickJS's flag for a script, not a module, with `await` outside functions: it evaluates to a promise of `{ value }`. */
const asyncScript = 128

/** How a run ended. `isSpent`: the sandbox must not be used again. */
interface Ran {
  readonly answer: ScriptAnswer
  readonly isSpent: boolean
}

/** Thrown through the interpreter when a script's time is up. */
class TimeIsUp extends Error {}

/** Thrown where a script failed, with what it threw. */
class Thrown extends Error {
  readonly handle: QuickJSHandle

  constructor(handle: QuickJSHandle) {
    super()
    this.handle = handle
  }
}

/** Runs a script to its end. `isOver` is asked all the time, and ends it as TIMEOUT. Never throws. */
export function runScript(sandbox: Sandbox, task: JavascriptTask, isOver: () => boolean): Ran {
  const { quickJs } = sandbox
  sandbox.reset()
  quickJs.check = () => {
    if (isOver()) throw new TimeIsUp()
  }
  let answer: ScriptAnswer | undefined
  try {
    answer = answerOf(sandbox, task)
    return { answer: withLogs(answer, sandbox, task), isSpent: sandbox.isSpent }
  } catch (thrown) {
    return { answer: answer ?? answerToHostError(thrown, quickJs), isSpent: true }
  }
}

/** A failure tells the lines too. */
function withLogs(answer: ScriptAnswer, sandbox: Sandbox, { captureLogs }: JavascriptTask): ScriptAnswer {
  if (!captureLogs || answer.kind === 'value') return answer
  const lines = logsOf(sandbox)
  return lines === '' ? answer : { ...answer, output: `{"logs":${lines}}` }
}

/** What was thrown through the interpreter, not inside it: it does not know what it was doing any more. */
function answerToHostError(thrown: unknown, { isFull }: QuickJs): ScriptAnswer {
  if (thrown instanceof TimeIsUp) return timeoutAnswer()
  // The stack of this thread may be used up before the interpreter's own is.
  if (thrown instanceof RangeError && thrown.message.includes('call stack')) return limitAnswer('stack')
  return isFull ? limitAnswer('memory') : brokenAnswer()
}

function answerOf(sandbox: Sandbox, task: JavascriptTask): ScriptAnswer {
  try {
    return outcomeOf(sandbox, task)
  } catch (thrown) {
    if (thrown instanceof Thrown) return failureOf(sandbox, thrown.handle)
    throw thrown
  }
}

function outcomeOf(sandbox: Sandbox, { code, args, names, captureLogs }: JavascriptTask): ScriptAnswer {
  const { context, runtime, tools } = sandbox
  const texts = [args, names, seed()].map((text) => context.newString(text))
  call(sandbox, tools.begin, ...texts, captureLogs ? context.true : context.false)
  const evaluated = succeeded(context.evalCode(code, 'script.js', asyncScript))
  finish(runtime)
  const box = settled(sandbox, evaluated)
  const awaited = box && call(sandbox, tools.valueIn, box)
  finish(runtime)
  const value = awaited && settled(sandbox, awaited)
  if (value === undefined) return unsettledAnswer()
  const json = textOf(sandbox, value)
  if (json.startsWith('!')) return failureAnswer(json.slice(1), sandbox.quickJs.isFull)
  const lines = captureLogs ? logsOf(sandbox) : '[]'
  // There was no memory to hand it over.
  if (json === '' || lines === '') return limitAnswer('memory')
  return { kind: 'value', json: `{${json === 'undefined' ? '' : `"value":${json},`}"logs":${lines}}` }
}

/** Has everything done that waits to be. What fails in there has its own promise to say so. */
function finish(runtime: QuickJSRuntime): void {
  while (runtime.hasPendingJob()) runtime.executePendingJobs()
}

/** What a promise was fulfilled with; undefined when it is still pending; what is no promise is its own value. */
function settled({ context }: Sandbox, promise: QuickJSHandle): QuickJSHandle | undefined {
  const state = context.getPromiseState(promise)
  if (state.type === 'pending') return undefined
  if (state.type === 'rejected') throw new Thrown(state.error)
  return state.value
}

/** See writeSource. */
function textOf(sandbox: Sandbox, value: QuickJSHandle): string {
  const { context, tools } = sandbox
  const type = context.typeof(value)
  if (type === 'undefined') return type
  const number = type === 'number' ? context.getNumber(value) : Number.NaN
  if (Number.isFinite(number)) return JSON.stringify(number)
  return read(sandbox, call(sandbox, tools.write, value, context.newNumber(longestOutput)), longestOutput)
}

/** As JSON text; empty when there is no memory to hand them over. */
function logsOf(sandbox: Sandbox): string {
  return read(sandbox, call(sandbox, sandbox.tools.logs), longestLogs)
}

/** Throws on what is longer than guest code ever makes it: the interpreter is broken, and it would be for the main thread. */
function read({ context }: Sandbox, text: QuickJSHandle, longest: number): string {
  if (!(context.getNumber(context.getProp(text, 'length')) <= longest))
    throw new Error('The interpreter gives a text that is too long')
  return context.getString(text)
}

function failureOf(sandbox: Sandbox, thrown: QuickJSHandle): ScriptAnswer {
  const { context, tools, quickJs } = sandbox
  const { isFull } = quickJs
  const described = context.callFunction(tools.describe, context.undefined, thrown)
  const json = described.error === undefined ? read(sandbox, described.value, longestOutput) : ''
  // Only for want of memory is something not described.
  return json === '' ? limitAnswer('memory') : failureAnswer(json.slice(1), isFull)
}

function call({ context }: Sandbox, callee: QuickJSHandle, ...args: readonly QuickJSHandle[]): QuickJSHandle {
  return succeeded(context.callFunction(callee, context.undefined, ...args))
}

function succeeded(result: VmCallResult<QuickJSHandle>): QuickJSHandle {
  if (result.error !== undefined) throw new Thrown(result.error)
  return result.value
}

function seed(): string {
  return JSON.stringify([...crypto.getRandomValues(new Int32Array(4))])
}
