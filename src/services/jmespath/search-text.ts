/** A search as a script thread makes it: from JSON text to JSON text, bounded by size, ended from outside. */
import { JobError } from '../../errors.ts'
import { systemClock } from '../../lib/clock.ts'
import { evaluate } from './evaluator.ts'
import { ExpressionCache } from './expression-cache.ts'
import { limitError } from './jmespath-error.ts'
import { type Json, weigh } from './json-value.ts'
import { LimitReached, Meter } from './meter.ts'
import { longestResult } from './result-size.ts'

/** The most that one search may make, in characters and bytes, about: what a thread's memory may grow by. */
const mostMade = 128 * 1024 * 1024

/** Steps between two looks at whether it is still wanted: a fraction of a millisecond. */
const stepsBetweenLooks = 10_000

const cache = new ExpressionCache(systemClock)

/**
 * The value as JSON text. `isCancelled` is asked all the time. Throws JMESPATH_COMPILE_ERROR, JMESPATH_RUNTIME_ERROR,
 * SCRIPT_LIMIT_EXCEEDED, or CANCELLED.
 */
export function searchText(expression: string, data: string, isCancelled: () => boolean): string {
  const tree = cache.get(expression)
  const meter = new Meter({ steps: stepsBetweenLooks, size: mostMade, refill: () => !isCancelled() })
  try {
    // The text was written by JSON.stringify.
    const value = evaluate(tree, JSON.parse(data) as Json, meter)
    weigh(value, longestResult, meter)
    return JSON.stringify(value)
  } catch (thrown) {
    throw asJobError(thrown)
  }
}

function asJobError(thrown: unknown): unknown {
  if (!(thrown instanceof LimitReached)) return thrown
  if (thrown.limit === 'steps') return new JobError('CANCELLED', 'The search was ended')
  return limitError(thrown.limit)
}
