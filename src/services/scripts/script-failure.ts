/** How a run of a script fails: what the interpreter says, as the answer of a script thread. */
import type { ErrorCode } from '../../errors.ts'
import type { ScriptAnswer } from '../threads/thread-protocol.ts'

/** Which bound a script met. */
export type ScriptLimit = 'memory' | 'stack' | 'output'

interface Thrown {
  readonly kind: 'thrown'
  readonly name: string
  readonly message: string
  /** And not only something that looks like one. */
  readonly isError: boolean
  readonly line?: number
  readonly column?: number
}

/** What guest code says of a failure. */
type Failure =
  | Thrown
  | { readonly kind: 'unwritable'; readonly what: string; readonly path: string }
  | { readonly kind: 'output' }

/** The answer for a script that met a bound. */
export function limitAnswer(limit: ScriptLimit): ScriptAnswer {
  return answer('SCRIPT_LIMIT_EXCEEDED', 'The script went over a limit', { limit })
}

/** The answer for a script that ran out of time. */
export function timeoutAnswer(): ScriptAnswer {
  return answer('TIMEOUT', 'The job did not end within its time limit', {})
}

/** The answer for a script whose promise will never be settled. */
export function unsettledAnswer(): ScriptAnswer {
  return answer('SCRIPT_ERROR', 'The script waits for a promise that nothing settles', {})
}

/** The answer for a failure of the interpreter itself. */
export function brokenAnswer(): ScriptAnswer {
  return answer('INTERNAL_ERROR', 'The interpreter of the script failed', {})
}

/** The answer for a Failure as JSON text. `isFull`: the interpreter had no memory left. */
export function failureAnswer(json: string, isFull: boolean): ScriptAnswer {
  // Guest code writes it.
  const failure = JSON.parse(json) as Failure
  if (failure.kind === 'output') return limitAnswer('output')
  if (failure.kind === 'unwritable') {
    const { what, path } = failure
    return answer('SCRIPT_ERROR', 'The output of the script cannot be written as JSON', { what, path })
  }
  const { name, message, line, column } = failure
  const limit = limitOf(failure, isFull)
  if (limit !== undefined) return limitAnswer(limit)
  return answer('SCRIPT_ERROR', 'The script failed', { name, message, line, column })
}

/** QuickJS says so with errors like any other, and, when there is no memory for an error, with null or what it has no name for. */
function limitOf({ name, message, isError }: Thrown, isFull: boolean): ScriptLimit | undefined {
  if ((name === 'null' || name === 'unknown') && isFull) return 'memory'
  if (!isError) return undefined
  if (name === 'InternalError' && message === 'out of memory') return 'memory'
  const isStack = message === 'stack overflow' && (name === 'InternalError' || name === 'SyntaxError')
  return isStack ? 'stack' : undefined
}

function answer(code: ErrorCode, message: string, details: Readonly<Record<string, unknown>>): ScriptAnswer {
  return { kind: 'error', code, message, details: JSON.stringify(details) }
}
