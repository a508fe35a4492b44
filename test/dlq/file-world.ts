import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Config } from '../../src/config/schema.ts'
import { openFileDeadLetters } from '../../src/dlq/file-dead-letters.ts'
import { type Clock, systemClock } from '../../src/lib/clock.ts'
import type { Logger } from '../../src/observe/logger.ts'
import type { DeadLetterStore } from '../../src/store/dead-letter-store.ts'

/** Dead letters in a folder of a test's own, removed at the end with all that is in it. */
export interface FileWorld extends AsyncDisposable {
  readonly folder: string
  readonly path: string
  /** One more store over the same files; the world closes it. */
  open(options?: {
    readonly config?: Partial<Config['deadLetters']>
    readonly clock?: Clock
    readonly log?: Logger
    readonly upkeep?: boolean
  }): Promise<DeadLetterStore>
}

/** The settings as they are by default, with another path. */
export function settingsFor(path: string): Config['deadLetters'] {
  const sizes = { maxBytes: 100_000_000, maxRotations: 5, totalMaxBytes: 1_000_000_000 }
  return { path, ...sizes, fsync: false, autoReplay: false }
}

/** Makes the folder. */
export async function fileWorld(): Promise<FileWorld> {
  const stack = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'beamline-dlq-'))
  stack.defer(() => rm(folder, { recursive: true, force: true }))
  const path = join(folder, 'dlq.jsonl')
  return {
    folder,
    path,
    async open({ config, clock = systemClock, log, upkeep = false } = {}) {
      const store = await openFileDeadLetters({ config: { ...settingsFor(path), ...config }, clock, log, upkeep })
      return stack.use(store)
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}
