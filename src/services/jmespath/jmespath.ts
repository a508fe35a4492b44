/** JMESPath as a service: what is small is answered at once, everything else on the script threads. */
import type { Clock } from '../../lib/clock.ts'
import type { ScriptThreads } from '../threads/script-thread-pool.ts'
import type { TaskOwner } from '../threads/waiting-task.ts'
import { evaluate } from './evaluator.ts'
import { ExpressionCache } from './expression-cache.ts'
import { type Json, weigh } from './json-value.ts'
import { writeJson } from './json-writer.ts'
import { LimitReached, Meter } from './meter.ts'
import { longestResult } from './result-size.ts'
import type { SyntaxTree } from './syntax-tree.ts'

/** Evaluates JMESPath expressions, never for more than some milliseconds at a time on the calling thread. */
export interface Jmespath extends AsyncDisposable {
  /** Throws JMESPATH_COMPILE_ERROR, with `position` and `reason` in its details, when the text is no expression. */
  check(expression: string): void
  /**
   * The value of an expression over plain JSON data, which is not changed; the value may share its parts. Rejects with
   * JMESPATH_COMPILE_ERROR, JMESPATH_RUNTIME_ERROR, SCRIPT_LIMIT_EXCEEDED, TIMEOUT, RESOURCE_UNAVAILABLE, or the signal's
   * reason. The owner's time stands still while it waits for a thread.
   */
  search(expression: string, data: unknown, signal: AbortSignal, owner?: TaskOwner): Promise<unknown>
}

/** What is done at once, on the calling thread: at most some two milliseconds, as `cost.test.ts` measures steps. */
const atOnce = { steps: 20_000, size: 1024 * 1024 }

/** The longest data that a script thread is given, in characters of JSON text. */
const longestData = 32 * 1024 * 1024

/** `atOnce: false` has every expression evaluated on a thread. */
export interface JmespathOptions {
  readonly threads: ScriptThreads
  readonly clock: Clock
  readonly atOnce?: boolean
}

/** Opens the service. The threads stay the caller's to close. */
export function openJmespath({ threads, clock, atOnce: mayBeAtOnce = true }: JmespathOptions): Jmespath {
  const cache = new ExpressionCache(clock)
  return {
    check(expression) {
      cache.get(expression)
    },
    async search(expression, data, signal, owner) {
      signal.throwIfAborted()
      const tree = cache.get(expression)
      // Callers hand in plain JSON data, as the contract says.
      const json = (data ?? null) as Json
      const value = mayBeAtOnce ? evaluateAtOnce(tree, json) : undefined
      if (value !== undefined) return value
      owner?.pauseTime()
      const text = await writeJson(json, longestData, { clock, signal })
      const task = { kind: 'jmespath', expression, data: text } as const
      const found: unknown = JSON.parse(await threads.run(task, { signal, owner }))
      return found
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  }
}

/** The value, or undefined when it would take too long, or make too much, for this thread. */
function evaluateAtOnce(tree: SyntaxTree, data: Json): Json | undefined {
  const meter = new Meter(atOnce)
  try {
    const value = evaluate(tree, data, meter)
    weigh(value, longestResult, meter)
    return value
  } catch (thrown) {
    if (thrown instanceof LimitReached) return undefined
    throw thrown
  }
}
