/** Where questions are kept and answered. */
import { JobError } from '../errors.ts'
import type { ParkedJob, ParkedKey, ParkedState, Parking } from '../exchange/parking.ts'
import type { Inquiry } from '../handler.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../observe/logger.ts'
import { type StateStore, StoreError } from '../store/state-store.ts'
import type { Approval } from './approval.ts'
import { newRecord } from './asking.ts'
import type { Caretaker } from './caretaker.ts'
import type { Ledger } from './ledger.ts'
import { type Ballot, cancel, expire, type Refusal, vote } from './machine.ts'
import { handsOffMs, withApproval } from './progress.ts'
import { type ApprovalRecord, approvalIdOf, encodeRecord, isApprovalId, keyOf } from './record.ts'
import { listRecords } from './shelf.ts'

interface DeskParts {
  readonly store: StateStore
  readonly ledger: Ledger
  readonly caretaker: Caretaker
  readonly clock: Clock
  readonly log: Logger
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

/** What the first votes may take, in bytes: nothing is asked that nobody could answer. */
const roomForVotes = 65_536

const unlimited = new AbortController().signal

/** Keeps questions and counts votes. */
export class Desk implements Parking {
  readonly #parts: DeskParts

  constructor(parts: DeskParts) {
    this.#parts = parts
  }

  async park(job: ParkedJob, inquiry: Inquiry, signal: AbortSignal): Promise<ParkedState> {
    const { store, ledger, caretaker, clock } = this.#parts
    const id = approvalIdOf(job.caller)
    const record = newRecord(id, job, inquiry, caretaker.telling(inquiry.callbackUrl))
    const value = encodeRecord(record)
    if (!ledger.leavesRoom(record, roomForVotes)) throw tooLarge(value.length, store.maxValueBytes)
    if ((await store.create(keyOf(id), value, clock.now() + handsOffMs, signal)) !== undefined) {
      void caretaker.attend(id, { claim: false })
      return { state: 'waiting' }
    }
    const kept = await ledger.load(id)
    if (kept === undefined) throw new StoreError('unreachable', 'The record is there and is not')
    return stateOf(kept.record)
  }

  async status(key: ParkedKey): Promise<ParkedState | undefined> {
    const kept = await this.#parts.ledger.load(approvalIdOf(key))
    return kept && stateOf(kept.record)
  }

  async cancel(key: ParkedKey): Promise<'cancelled' | undefined> {
    const ended = await this.#change(approvalIdOf(key), (approval, now) => cancel(approval, now))
    return ended?.end?.kind === 'cancelled' ? 'cancelled' : undefined
  }

  health(): string {
    return this.#parts.store.health()
  }

  /** Undefined: not known here. What has expired by now is shown as expired. */
  async find(id: string): Promise<Approval | undefined> {
    const kept = isApprovalId(id) ? await this.#parts.ledger.load(id) : undefined
    return kept && expire(kept.record.approval, this.#parts.clock.now())
  }

  /** In the order of their ids; `cursor` is the `next` of the page before. */
  async list(status: Status | undefined, cursor: string | undefined, limit: number): Promise<ApprovalPage> {
    const { store, clock } = this.#parts
    const after = cursor !== undefined && isApprovalId(cursor) ? cursor : undefined
    const items: Approval[] = []
    for await (const { approval } of listRecords(store, after, unlimited)) {
      const current = expire(approval, clock.now())
      if (status !== undefined && (current.end?.kind ?? 'pending') !== status) continue
      const last = items.at(-1)
      if (items.length === limit && last !== undefined) return { items, next: last.id }
      items.push(current)
    }
    return { items }
  }

  /** Counts a vote, or says why it does not count; undefined: not known here. Rejects with a StoreError: not known to be counted. */
  async vote(id: string, ballot: Ballot): Promise<VoteAnswer | undefined> {
    if (!isApprovalId(id)) return undefined
    let refusal: Refusal | undefined
    const approval = await this.#change(id, (before, now, hasRoom) => {
      const voted = vote(before, ballot, now)
      refusal = voted.refusal
      if (refusal !== undefined || voted.approval === before || hasRoom(voted.approval)) return voted.approval
      refusal = 'full'
      return before
    })
    if (approval === undefined) return undefined
    this.#audit(approval, ballot, refusal)
    return { approval, ...(refusal !== undefined && { refusal }) }
  }

  /** The approval as it is afterwards; undefined: not known here. */
  async #change(
    id: string,
    change: (approval: Approval, now: number, hasRoom: (changed: Approval) => boolean) => Approval,
  ): Promise<Approval | undefined> {
    const { ledger, caretaker, clock } = this.#parts
    const updated = await ledger.update(id, (record) => {
      const after = (approval: Approval) => withApproval(record, approval, caretaker.telling(record.callbackUrl))
      const approval = change(record.approval, clock.now(), (changed) => ledger.leavesRoom(after(changed)))
      return approval === record.approval ? record : after(approval)
    })
    if (updated?.changed === true) void caretaker.attend(id, { claim: false })
    return updated?.record.approval
  }

  #audit(approval: Approval, { approver, decision, via }: Ballot, refusal: Refusal | undefined): void {
    const { id, assignmentId, tenantId, end } = approval
    const context = { approval: id, approver, decision, via, refusal, ended: end?.kind }
    const words = refusal === undefined ? 'A vote was counted' : 'A vote was refused'
    this.#parts.log.info(words, { assignment_id: assignmentId, tenant_id: tenantId, context })
  }
}

function stateOf({ result, publishedAt }: ApprovalRecord): ParkedState {
  if (result === undefined) return { state: 'waiting' }
  const { body, headers } = result
  const kept = { body: new TextEncoder().encode(body), headers }
  return { state: 'ended', result: kept, isPublished: publishedAt !== undefined }
}

function tooLarge(bytes: number, limit: number): JobError {
  return new JobError('QUOTA_EXCEEDED', 'The question is larger than what can be kept', { details: { bytes, limit } })
}
