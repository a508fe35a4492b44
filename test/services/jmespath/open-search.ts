/** Searching in tests: at once where it may be, and only on threads. */

import { JobError } from '../../../src/errors.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import { type Jmespath, openJmespath } from '../../../src/services/jmespath/jmespath.ts'
import { ScriptThreadPool } from '../../../src/services/threads/script-thread-pool.ts'

/** What a search came to: its value, or how it failed. */
export type Answer = { readonly value: unknown } | { readonly code: string; readonly details: unknown }

export interface Search extends AsyncDisposable {
  /** The usual service. */
  readonly usual: Jmespath
  /** The same, with everything on threads. */
  readonly threaded: Jmespath
}

export function openSearch(): Search {
  const threads = new ScriptThreadPool({ size: 2, clock: systemClock })
  return {
    usual: openJmespath({ threads, clock: systemClock }),
    threaded: openJmespath({ threads, clock: systemClock, atOnce: false }),
    [Symbol.asyncDispose]: () => threads[Symbol.asyncDispose](),
  }
}

/** What a search comes to. A failure that is no JobError is thrown. */
export async function answerOf(
  jmespath: Jmespath,
  expression: string,
  data: unknown,
  signal = new AbortController().signal,
): Promise<Answer> {
  try {
    return { value: await jmespath.search(expression, data, signal) }
  } catch (thrown) {
    if (!(thrown instanceof JobError)) throw thrown
    return { code: thrown.code, details: thrown.details }
  }
}
