/** What goes between the pool and a script thread. Data travels as JSON text, never as objects. */
import type { ErrorCode } from '../../errors.ts'

/** One piece of work for a thread. */
export interface ScriptTask {
  readonly kind: 'jmespath'
  readonly expression: string
  /** The data as JSON text. */
  readonly data: string
}

/** What the pool sends: once a flag that it sets when a task is no longer wanted, then one task at a time. */
export type ToThread = { readonly kind: 'flag'; readonly cancelled: SharedArrayBuffer } | ScriptTask

/** What a thread sends: that it can begin, then one answer to each task. */
export type FromThread = { readonly kind: 'ready' } | ScriptAnswer

/** How a task ended. `json` is the value as JSON text; `details` of an error is JSON text too. */
export type ScriptAnswer =
  | { readonly kind: 'value'; readonly json: string }
  | { readonly kind: 'error'; readonly code: ErrorCode; readonly message: string; readonly details: string }
