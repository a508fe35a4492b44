/** What goes between the pool and a script thread. Data travels as JSON text, never as objects. */
import type { ErrorCode } from '../../errors.ts'

/** One piece of work for a thread. */
export type ScriptTask = JmespathTask | JavascriptTask

/** A search; its value is the value of the expression. */
interface JmespathTask {
  readonly kind: 'jmespath'
  readonly expression: string
  /** The data as JSON text. */
  readonly data: string
}

/** A script; its value is `{"value"?: …, "logs"?: […]}`, without `value` when it has no output. */
export interface JavascriptTask {
  readonly kind: 'javascript'
  readonly code: string
  /** An object as JSON text. */
  readonly args: string
  /** The names among the arguments that become variables, as JSON text. */
  readonly names: string
  readonly captureLogs: boolean
  /** The most memory that the interpreter may take, in bytes. */
  readonly memoryBytes: number
  /** The most stack that it may take, in bytes. */
  readonly stackBytes: number
}

/** What the pool sends: once a flag that it sets when a task is no longer wanted, then one task at a time. */
export type ToThread =
  | { readonly kind: 'flag'; readonly cancelled: SharedArrayBuffer }
  /** `limitMs` counts from when the thread begins with it. */
  | { readonly kind: 'run'; readonly task: ScriptTask; readonly limitMs: number | undefined }

/**
 * What a thread sends: that it can take tasks, then one answer to each. `begun` comes before the answer when the thread
 * had something to load first: the task's time counts from then.
 */
export type FromThread = { readonly kind: 'ready' } | { readonly kind: 'begun' } | ScriptAnswer

/** How a task ended. `json` is the value as JSON text; `details` of an error is JSON text too. */
export type ScriptAnswer =
  | { readonly kind: 'value'; readonly json: string }
  | { readonly kind: 'error'; readonly code: ErrorCode; readonly message: string; readonly details: string }
