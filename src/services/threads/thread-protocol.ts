/**
 * What goes between the pool and a script thread. Data travels as JSON text, never as objects, and messages are flat: the
 * runtime is much quicker with those.
 */
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

/**
 * What both see at any time, 32-bit numbers at these places. The pool sets `cancelled` when a task is no longer wanted; the
 * thread sets `begun` when everything is loaded that a task needs and it begins with it: its time counts from then. The
 * pool sets both to 0 before a task.
 */
export const flagAt = { cancelled: 0, begun: 1 } as const

/** How many bytes these flags take. */
export const flagBytes = 8

/** What the pool sends: once the flags, then one task at a time. */
export type ToThread = { readonly kind: 'flags'; readonly flags: SharedArrayBuffer } | ScriptTask

/**
 * What a thread sends. `ready`: it can take tasks. To each task an answer, to one that is no longer wanted also without
 * having begun. Unless that says `isReady`, `ready` comes once more before the next task. `unable`: it cannot load what a
 * task needs, and is of no use any more.
 */
export type FromThread =
  | { readonly kind: 'ready' }
  | { readonly kind: 'unable'; readonly reason: string }
  | (ScriptAnswer & { readonly isReady: boolean })

/**
 * How a task ended. `json` is the value as JSON text; `details` of an error, and `output`, what it has to show although it
 * failed, are JSON text too.
 */
export type ScriptAnswer =
  | { readonly kind: 'value'; readonly json: string }
  | {
      readonly kind: 'error'
      readonly code: ErrorCode
      readonly message: string
      readonly details: string
      readonly output?: string
    }
