import type { Bus } from '../bus/bus.ts'
import type { Config } from '../config/schema.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../observe/logger.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { DeadLetterStore } from '../store/dead-letter-store.ts'
import { openFileDeadLetters } from './file-dead-letters.ts'
import { StreamFirst } from './stream-first.ts'

interface Parts {
  readonly config: Pick<Config, 'deadLetters'>
  /** Where the stream is; without it, or without streams in it, there are the files alone. */
  readonly bus?: Pick<Bus, 'deadLetters'> | undefined
  readonly clock: Clock
  readonly log: Logger
  /** Is told how much is kept. */
  readonly metrics?: Pick<Metrics, 'observe'> | undefined
}

/**
 * Opens the place of dead letters that the settings name: the files, and before them the stream of `DLQ_STREAM`.
 * Rejects with a ConfigError when the files cannot be used; a stream that cannot is only told of.
 */
export async function openDeadLetterStores({ config, bus, clock, log, metrics }: Parts): Promise<DeadLetterStore> {
  const { deadLetters } = config
  const files = await openFileDeadLetters({ config: deadLetters, clock, log, upkeep: metrics !== undefined })
  const stream = deadLetters.stream === undefined ? undefined : bus?.deadLetters?.open(deadLetters.stream)
  const store = stream === undefined ? files : new StreamFirst({ stream, files, clock, log })
  metrics?.observe({ deadLetters: () => store.size() })
  return store
}
