import type { Clock } from '../lib/clock.ts'

/** How often it is looked whether there is nothing to do, in milliseconds. */
const lookEveryMs = 500
/** A process that uses less of a core than this has nothing to do. */
const idleShare = 0.02
/** Less growth since the last collection is not worth its pause (some 20 ms), in bytes. */
const worthwhileBytes = 16_000_000

/**
 * Gives the memory that a burst of jobs has left behind back to the machine as soon as there is nothing to do; by itself
 * the runtime does so some ten seconds later, and keeps more. Returns how to stop.
 */
export function collectWhenIdle(clock: Clock): () => void {
  let least = process.memoryUsage.rss()
  let cpu = process.cpuUsage()
  const timer = clock.every(lookEveryMs, () => {
    const { user, system } = process.cpuUsage(cpu)
    cpu = process.cpuUsage()
    if ((user + system) / 1000 > idleShare * lookEveryMs) return
    const rssBytes = process.memoryUsage.rss()
    least = Math.min(least, rssBytes)
    if (rssBytes - least < worthwhileBytes) return
    // Nothing else gives back as much: some 15 MB more than a collection alone after 60,000 jobs.
    // oxlint-disable-next-line typescript/no-deprecated
    Bun.shrink()
    Bun.gc(true)
    least = process.memoryUsage.rss()
  })
  return () => timer.cancel()
}
