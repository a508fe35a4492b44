import { systemClock } from '../../src/lib/clock.ts'

/**
 * Asks until the answer is truthy, and returns it; only for conditions outside this process. Rejects after `timeoutMs`
 * (10 s) with what the last try threw, if it threw. Tries again every `everyMs` (5 ms).
 */
export async function eventually<T>(
  check: () => T | Promise<T>,
  { timeoutMs = 10_000, everyMs = 5 }: { readonly timeoutMs?: number; readonly everyMs?: number } = {},
): Promise<T> {
  const untilMs = systemClock.monotonic() + timeoutMs
  for (;;) {
    const last = await attempt(check)
    if (last.value) return last.value
    if (systemClock.monotonic() >= untilMs) {
      throw new Error(`The condition did not come true within ${timeoutMs} ms`, { cause: last.error })
    }
    await systemClock.sleep(everyMs)
  }
}

async function attempt<T>(check: () => T | Promise<T>): Promise<{ readonly value?: T; readonly error?: unknown }> {
  try {
    return { value: await check() }
  } catch (error) {
    return { error }
  }
}
