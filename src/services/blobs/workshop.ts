import type { Clock } from '../../lib/clock.ts'
import type { Lifetime } from './blob-view.ts'
import type { PathLocks } from './path-lock.ts'
import type { Usage } from './usage.ts'

/** What changing blobs needs. */
export interface Workshop {
  /** Of this process. */
  readonly mark: string
  readonly locks: PathLocks
  readonly usage: Usage
  readonly lifetime: Lifetime
  readonly clock: Clock
}
