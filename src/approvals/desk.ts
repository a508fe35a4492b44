/** The one place where approvals change: each change is one compare-and-swap, and what follows from it is done after it. */
import type { Bus } from '../bus/bus.ts'
import { JobError } from '../errors.ts'
import type { ParkedJob, ParkedKey, ParkedState, Parking } from '../exchange/parking.ts'
import type { Reporting } from '../exchange/reporting.ts'
import type { Inquiry } from '../handler.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../observe/logger.ts'
import type { Metrics } from '../observe/metrics.ts'
import { type StateStore, StoreError } from '../store/state-store.ts'
import type { Approval } from './approval.ts'
import { newRecord, roomFor } from './asking.ts'
import { countEnd, endedWith, publishEnd } from './ending.ts'
import { type Ballot, cancel, expire, type Refusal, vote } from './machine.ts'
import type { Notices } from './notices.ts'
import { afterNotice, dueAt, handsOffMs, keptAfterEndMs, passTime, type Telling, withApproval } from './progress.ts'
import { type ApprovalRecord, approvalIdOf, encodeRecord, keyOf, keyPrefix } from './record.ts'
import { listRecords, loadRecord, type StoredRecord } from './shelf.ts'

interface DeskParts {
  readonly store: StateStore
  readonly bus: Pick<Bus, 'connected'>
  readonly reporting: Pick<Reporting, 'reporter' | 'closing'>
  readonly notices: Notices
  /** How often a result is published again after a first failure. */
  readonly maxRetries: number
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: Metrics
}

/** What became of a vote. */
export interface VoteAnswer {
  readonly approval: Approval
  readonly refusal?: Refusal
}

/** A page of approvals, and where the next one begins. */
export interface ApprovalPage {
  readonly items: readonly Approval[]
  readonly next?: string
}

/** How an approval stands. */
export type Status = 'pending' | NonNullable<Approval['end']>['kind']

/** The store has limits of its own; what was begun is not broken off. */
const unlimited = new AbortController().signal

/** Keeps questions, counts votes, and sees to it that every end is told. */
export class Desk implements Parking {
  readonly #parts: DeskParts
  readonly #closed = new AbortController()
  /** What follows from changes made here, by approval. */
  readonly #underWay = new Map<string, Promise<void>>()

  constructor(parts: DeskParts) {
    this.#parts = parts
  }

  async park(job: ParkedJob, inquiry: Inquiry, signal: AbortSignal): Promise<ParkedState> {
    const { store, clock } = this.#parts
    const id = approvalIdOf(job.caller)
    const now = clock.now()
    const record = newRecord(id, job, inquiry, this.#telling(now, inquiry.callbackUrl))
    const value = encodeRecord(record)
    if (value.length + roomFor(record) > store.maxValueBytes) throw tooLarge(value.length, store.maxValueBytes)
    if ((await store.create(keyOf(id), value, now + handsOffMs, signal)) !== undefined) {
      this.#follow(id)
      return { state: 'waiting' }
    }
    const kept = await this.#load(id)
    if (kept === undefined) throw new StoreError('unreachable', 'The record is there and is not')
    return stateOf(kept.record)
  }

  async status(key: ParkedKey): Promise<ParkedState | undefined> {
    const kept = await this.#load(approvalIdOf(key))
    return kept && stateOf(kept.record)
  }

  async cancel(key: ParkedKey): Promise<'cancelled' | undefined> {
    const id = approvalIdOf(key)
    const changed = await this.#change(id, (approval, now) => cancel(approval, now))
    return changed?.end?.kind === 'cancelled' ? 'cancelled' : undefined
  }

  health(): string {
    return this.#parts.store.health()
  }

  /** Undefined: not known here. What has expired by now is shown as expired. */
  async find(id: string): Promise<Approval | undefined> {
    const kept = await this.#load(id)
    return kept && expire(kept.record.approval, this.#parts.clock.now())
  }

  /** In the order of their ids; `cursor` is the `next` of the page before. */
  async list(status: Status | undefined, cursor: string | undefined, limit: number): Promise<ApprovalPage> {
    const { store, clock } = this.#parts
    const wanted = (approval: Approval): boolean => status === undefined || (approval.end?.kind ?? 'pending') === status
    const items: Approval[] = []
    for await (const { approval } of listRecords(store, cursor, this.#closed.signal)) {
      const current = expire(approval, clock.now())
      if (!wanted(current)) continue
      const last = items.at(-1)
      if (items.length === limit && last !== undefined) return { items, next: last.id }
      items.push(current)
    }
    return { items }
  }

  /** Counts a vote, or says why it does not count; undefined: not known here. Rejects with a StoreError: not known to be counted. */
  async vote(id: string, ballot: Ballot): Promise<VoteAnswer | undefined> {
    let refusal: Refusal | undefined
    const approval = await this.#change(id, (before, now) => {
      const voted = vote(before, ballot, now)
      refusal = voted.refusal
      return voted.approval
    })
    if (approval === undefined) return undefined
    this.#audit(approval, ballot, refusal)
    return { approval, ...(refusal !== undefined && { refusal }) }
  }

  /** Does what is due of a record that nobody else is looking after. Never rejects. */
  attend(key: string): Promise<void> {
    return this.#queue(key.slice(keyPrefix.length), true)
  }

  /** How many records are being looked after. */
  get busy(): number {
    return this.#underWay.size
  }

  /** Resolves when what follows from changes made here has been done, or left to others. */
  async close(): Promise<void> {
    this.#closed.abort()
    await Promise.all(this.#underWay.values())
  }

  #load(id: string): Promise<StoredRecord | undefined> {
    return loadRecord(this.#parts.store, id, unlimited)
  }

  #telling(now: number, callbackUrl: string | undefined): Telling {
    const { hasLinks } = this.#parts.notices
    return { callback: callbackUrl !== undefined, links: hasLinks, now, newId: () => crypto.randomUUID() }
  }

  /** The approval as it is afterwards; undefined: not known here. */
  async #change(id: string, change: (approval: Approval, now: number) => Approval): Promise<Approval | undefined> {
    const { clock } = this.#parts
    const updated = await this.#update(id, (record) => {
      const now = clock.now()
      const approval = change(record.approval, now)
      if (approval === record.approval) return record
      return withApproval(record, approval, this.#telling(now, record.callbackUrl))
    })
    if (updated?.changed === true) this.#follow(id)
    return updated?.record.approval
  }

  /** Loads, changes and stores again until nobody else was in between. The same record back means: no change. */
  async #update(
    id: string,
    change: (record: ApprovalRecord) => ApprovalRecord,
    isDone = false,
  ): Promise<{ readonly record: ApprovalRecord; readonly changed: boolean } | undefined> {
    const { store, clock, reporting, metrics, log } = this.#parts
    for (;;) {
      const kept = await this.#load(id)
      if (kept === undefined) return undefined
      const changed = change(kept.record)
      if (changed === kept.record) return { record: changed, changed: false }
      const record = endedWith(changed, reporting.reporter)
      const now = clock.now()
      // Whoever changes it sees to what follows; others may look when that has not been done in time.
      const due = Math.max(dueAt(record, now), isDone ? 0 : now + handsOffMs)
      const stored = await store.replace(kept.version, encodeRecord(record), due, unlimited)
      if (stored === undefined) continue
      if (kept.record.approval.end === undefined && record.approval.end !== undefined) countEnd(record, metrics, log)
      return { record, changed: true }
    }
  }

  #follow(id: string): void {
    void this.#queue(id, false)
  }

  /** One after the other for each approval. Never rejects. */
  #queue(id: string, claim: boolean): Promise<void> {
    const before = this.#underWay.get(id)
    const work = (before ?? Promise.resolve())
      .then(() => this.#attend(id, claim))
      .catch((error: unknown) => {
        if (!this.#closed.signal.aborted) this.#parts.log.warn('An approval is looked after later', { error })
      })
      .finally(() => {
        if (this.#underWay.get(id) === work) this.#underWay.delete(id)
      })
    this.#underWay.set(id, work)
    return work
  }

  async #attend(id: string, claim: boolean): Promise<void> {
    const { clock } = this.#parts
    if (this.#closed.signal.aborted || (claim && !(await this.#claim(id)))) return
    const passed = await this.#update(id, (record) => passTime(record, this.#telling(clock.now(), record.callbackUrl)))
    if (passed === undefined) return
    const marks = [...(await this.#publish(passed.record)), ...(await this.#tell(passed.record))]
    if (marks.length === 0 && (await this.#removeOld(id))) return
    if (marks.length === 0 && !claim && !passed.changed) return
    await this.#update(id, (record) => marks.reduce((marked, mark) => mark(marked), { ...record }), true)
  }

  /** Whoever moves the record on by a write of nothing looks after it; the others see that it is not due any more. */
  async #claim(id: string): Promise<boolean> {
    const { store, clock } = this.#parts
    const kept = await this.#load(id)
    if (kept === undefined) return false
    const now = clock.now()
    const stored = await store.replace(kept.version, encodeRecord(kept.record), now + handsOffMs, this.#closed.signal)
    return stored !== undefined
  }

  async #publish(record: ApprovalRecord): Promise<readonly Mark[]> {
    const { reporting, bus, maxRetries, clock } = this.#parts
    const now = clock.now()
    if (record.result === undefined || record.publishedAt !== undefined) return []
    if ((record.publishing?.at ?? 0) > now) return []
    const mark = await publishEnd(record, { ...reporting, bus, maxRetries, clock })
    return [mark]
  }

  async #tell(record: ApprovalRecord): Promise<readonly Mark[]> {
    const { notices, clock } = this.#parts
    const now = clock.now()
    const due = record.notices.filter(({ at }) => at <= now)
    const told = await Promise.all(
      due.map(async (notice): Promise<Mark> => {
        const end = await notices.send(record, notice, this.#closed.signal)
        return (marked) => afterNotice(marked, notice, end, clock.now())
      }),
    )
    if (due.length === 0 || record.notifiedAt !== undefined) return told
    return [...told, (marked) => ({ ...marked, notifiedAt: marked.notifiedAt ?? now })]
  }

  async #removeOld(id: string): Promise<boolean> {
    const { store, clock } = this.#parts
    const kept = await this.#load(id)
    if (kept === undefined) return true
    const { approval, publishedAt, notices } = kept.record
    const isOld = approval.end !== undefined && clock.now() >= approval.end.at + keptAfterEndMs
    if (!isOld || publishedAt === undefined || notices.length > 0) return false
    return store.remove(kept.version, this.#closed.signal)
  }

  #audit(approval: Approval, { approver, decision, via }: Ballot, refusal: Refusal | undefined): void {
    const { id, assignmentId, tenantId, end } = approval
    const context = { approval: id, approver, decision, via, refusal, ended: end?.kind }
    const words = refusal === undefined ? 'A vote was counted' : 'A vote was refused'
    this.#parts.log.info(words, { assignment_id: assignmentId, tenant_id: tenantId, context })
  }
}

/** Notes in a record what has been done. */
export type Mark = (record: ApprovalRecord) => ApprovalRecord

function stateOf({ result, publishedAt }: ApprovalRecord): ParkedState {
  if (result === undefined) return { state: 'waiting' }
  const { body, headers } = result
  const kept = { body: new TextEncoder().encode(body), headers }
  return { state: 'ended', result: kept, isPublished: publishedAt !== undefined }
}

function tooLarge(bytes: number, limit: number): JobError {
  return new JobError('QUOTA_EXCEEDED', 'The question is larger than what can be kept', { details: { bytes, limit } })
}
