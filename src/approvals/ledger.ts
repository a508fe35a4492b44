/** Records as they are changed: each change is one compare-and-swap, and the one that ends an approval holds its result. */
import type { Reporting } from '../exchange/reporting.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../observe/logger.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { StateStore } from '../store/state-store.ts'
import { leavesRoom } from './capacity.ts'
import { countEnd, endedBriefly, endedWith } from './ending.ts'
import { dueAt, handsOffMs } from './progress.ts'
import { type ApprovalRecord, encodeRecord } from './record.ts'
import { type Claim, claimRecord, loadRecord, type StoredRecord } from './shelf.ts'

/** What the ledger is made of. */
export interface LedgerParts {
  readonly store: StateStore
  readonly reporting: Pick<Reporting, 'reporter' | 'closing'>
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: Metrics
}

/** What became of a change. */
export interface Updated {
  readonly record: ApprovalRecord
  readonly changed: boolean
}

/** The store has limits of its own; what was begun is not broken off. */
const unlimited = new AbortController().signal

/** Changes records. Everything rejects with a StoreError when it is not known to be done. */
export class Ledger {
  readonly #parts: LedgerParts

  constructor(parts: LedgerParts) {
    this.#parts = parts
  }

  /** Undefined when there is none. */
  load(id: string): Promise<StoredRecord | undefined> {
    return loadRecord(this.#parts.store, id, unlimited)
  }

  /**
   * Loads, changes and stores again until nobody else was in between; undefined: there is none. The same record back
   * means: no change. Whoever changes a record does what follows from it, then says so with `isDone`; others look after
   * it when that takes too long.
   */
  async update(
    id: string,
    change: (record: ApprovalRecord) => ApprovalRecord,
    isDone = false,
  ): Promise<Updated | undefined> {
    const { store, clock, metrics, log } = this.#parts
    for (;;) {
      const kept = await this.load(id)
      if (kept === undefined) return undefined
      const changed = change(kept.record)
      if (changed === kept.record) return { record: changed, changed: false }
      const [record, value] = this.#ended(changed)
      const now = clock.now()
      const due = Math.max(dueAt(record, now), isDone ? 0 : now + handsOffMs)
      if ((await store.replace(kept.version, value, due, unlimited)) === undefined) continue
      if (kept.record.approval.end === undefined) countEnd(record, metrics, log)
      return { record, changed: true }
    }
  }

  /** Whoever claims it looks after it, and the others see it due no more. */
  claim(id: string): Promise<Claim> {
    return claimRecord(this.#parts.store, id, this.#parts.clock.now(), unlimited)
  }

  /** Removes it when it is `old` as it stands now. True: it is gone. */
  async remove(id: string, old: (record: ApprovalRecord) => boolean): Promise<boolean> {
    const kept = await this.load(id)
    if (kept === undefined) return true
    return old(kept.record) && this.#parts.store.remove(kept.version, unlimited)
  }

  /** Whether the record, with so many bytes more, could be stored with its end and all that is told until then. */
  leavesRoom(record: ApprovalRecord, spareBytes = 0): boolean {
    const { store, reporting } = this.#parts
    return leavesRoom(record, reporting.reporter, { maxBytes: store.maxValueBytes, spareBytes })
  }

  /** With its result once it has ended, and as it is stored. Whatever is told of an end, it must fit: else it never ends. */
  #ended(changed: ApprovalRecord): readonly [record: ApprovalRecord, value: Uint8Array] {
    const { store, reporting } = this.#parts
    const whole = endedWith(changed, reporting.reporter)
    const value = encodeRecord(whole)
    if (value.length <= store.maxValueBytes || changed === whole) return [whole, value]
    const brief = endedBriefly(changed, reporting.reporter)
    return [brief, encodeRecord(brief)]
  }
}
