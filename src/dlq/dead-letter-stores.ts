import type { Bus } from '../bus/bus.ts'
import type { Config } from '../config/schema.ts'
import { ConfigError } from '../errors.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../observe/logger.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { DeadLetterStore } from '../store/dead-letter-store.ts'
import { openFileDeadLetters } from './file-dead-letters.ts'
import { areFilesStanding } from './standing-files.ts'
import { StreamFirst } from './stream-first.ts'

interface Parts {
  readonly config: Pick<Config, 'deadLetters'>
  /** Where the stream is; without it, or without streams in it, there are the files alone. */
  readonly bus?: Pick<Bus, 'deadLetters'> | undefined
  readonly clock: Clock
  readonly log: Logger
  /** Is told how much is kept. */
  readonly metrics?: Pick<Metrics, 'observe'> | undefined
  /** Only what is there is opened: who looks at the wrong path makes no files, which might shut out the worker later. */
  readonly existing?: boolean
}

/**
 * Opens the place of dead letters that the settings name: the files, and before them the stream of `DLQ_STREAM`.
 * Rejects with a ConfigError when the files cannot be used; a stream that cannot is only told of.
 */
export async function openDeadLetterStores(parts: Parts): Promise<DeadLetterStore> {
  const { config, bus, clock, log, metrics, existing = false } = parts
  const { deadLetters } = config
  const open = (): DeadLetterStore | undefined =>
    deadLetters.stream === undefined ? undefined : bus?.deadLetters?.open(deadLetters.stream)
  if (existing && !(await areFilesStanding(deadLetters.path))) return open() ?? noFiles(deadLetters.path)
  const files = await openFileDeadLetters({ config: deadLetters, clock, log, upkeep: metrics !== undefined })
  const stream = open()
  const store = stream === undefined ? files : new StreamFirst({ stream, files, clock, log })
  metrics?.observe({ deadLetters: () => store.size() })
  return store
}

function noFiles(path: string): never {
  throw new ConfigError([`DLQ_PATH: there are no files of dead letters at ${path}; name the path that the worker has`])
}
