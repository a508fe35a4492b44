import type { Logger } from '../observe/logger.ts'
import type { DeadLetter } from '../protocol/dead-letter.ts'
import type { Claim } from '../store/dead-letter-store.ts'
import type { Replayed } from './replay-end.ts'

interface Act {
  readonly claim: Claim
  readonly what: 'job' | 'result'
  readonly replayed: Replayed
}

/** Writes down each replay: which entry, as what, by whom, whether forced, and how it ended. Never a payload. */
export class ReplayAudit {
  readonly #log: Logger

  constructor(log: Logger) {
    this.#log = log.child({ component: 'dlq' })
  }

  write(record: DeadLetter, { claim, what, replayed }: Act): void {
    const { assignment_id, tenant_id, job_type } = record
    const end = {
      ...('assignmentId' in replayed && { as: replayed.assignmentId }),
      ...('why' in replayed && { why: replayed.why }),
    }
    const { by, force: forced, ids } = claim
    const context = { entry: record.id, sends: what, ...end, by, forced, covers: ids.length - 1 }
    const fields = { assignment_id, tenant_id, job_type, context }
    if (replayed.kind === 'sent') this.#log.info('A dead letter was replayed', fields)
    else if (replayed.kind === 'unsure') this.#log.warn('A dead letter may have been replayed', fields)
    else this.#log.warn('A dead letter could not be replayed', fields)
  }

  /** The mark says `begun` for ever, so that only force repeats it. */
  unmarked({ ids: [entry], by }: Claim, state: 'done' | 'failed', error: unknown): void {
    const context = { entry, by, state }
    this.#log.warn('The end of a replay could not be written down; its dead letter stays marked as begun', {
      error,
      context,
    })
  }
}
