import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../observe/logger.ts'
import type { Ending } from './ending.ts'
import { exitCodes } from './exit-code.ts'

/** How often memory is looked at, in milliseconds. */
const lookEveryMs = 2_000

interface Options {
  /** Where it ends; undefined: never. */
  readonly maxRssBytes: number | undefined
  readonly ending: Ending
  readonly clock: Clock
  readonly log: Logger
}

/** Asks the process to end once its resident memory is over the limit. Returns how to stop looking. */
export function watchMemory({ maxRssBytes, ending, clock, log }: Options): () => void {
  if (maxRssBytes === undefined) return () => undefined
  const timer = clock.every(lookEveryMs, () => {
    const rssBytes = process.memoryUsage.rss()
    if (rssBytes <= maxRssBytes || ending.signal.aborted) return
    log.error('WORKER_MAX_RSS is reached; draining', { context: { bytes: rssBytes, limit: maxRssBytes } })
    ending.request(exitCodes.memory)
  })
  return () => timer.cancel()
}
