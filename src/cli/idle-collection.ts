import type { Clock } from '../lib/clock.ts'

/** How often it is looked whether there is nothing to do, in milliseconds. */
const lookEveryMs = 500
/** Less growth since the last collection is not worth its pause (some 20 ms), in bytes. */
const worthwhileBytes = 16_000_000

interface Options {
  /** Whether no job runs. */
  readonly isIdle: () => boolean
  readonly clock: Clock
}

/**
 * Gives the memory that a burst of jobs has left behind back to the machine as soon as there is nothing to do; by itself
 * the runtime does that some ten seconds later. Returns how to stop.
 */
export function collectWhenIdle({ isIdle, clock }: Options): () => void {
  let least = process.memoryUsage.rss()
  const timer = clock.every(lookEveryMs, () => {
    if (!isIdle()) return
    const rssBytes = process.memoryUsage.rss()
    least = Math.min(least, rssBytes)
    if (rssBytes - least < worthwhileBytes) return
    Bun.gc(true)
    least = process.memoryUsage.rss()
  })
  return () => timer.cancel()
}
