import type { Clock } from '../../lib/clock.ts'

/**
 * Runs it with a signal that aborts with the given one, or with `late()` after `ms`. Settles as `run` does: it must heed
 * the signal.
 */
export async function limited<T>(
  run: (signal: AbortSignal) => Promise<T>,
  { clock, ms, signal, late }: { clock: Clock; ms: number; signal: AbortSignal; late: () => Error },
): Promise<T> {
  signal.throwIfAborted()
  const ending = new AbortController()
  const abort = (): void => ending.abort(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  const limit = clock.after(ms, () => ending.abort(late()))
  try {
    return await run(ending.signal)
  } finally {
    limit.cancel()
    signal.removeEventListener('abort', abort)
  }
}
