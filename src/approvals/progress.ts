/** What becomes of a record as time passes and people speak: the approval by its machine, and what is to be done of it. Pure. */
import type { Approval } from './approval.ts'
import { awaited, escalate, expire, nextMoment, remind } from './machine.ts'
import type { ApprovalRecord, Notice } from './record.ts'

/** What became of a notice: it arrived, it did not and is sent again later, or it never will. */
export type Sent = 'arrived' | 'failed' | 'refused'

/** How long a record is kept after its end, so that late answers hear what was decided, in milliseconds: 7 days. */
export const keptAfterEndMs = 604_800_000

/** How long whoever changed a record has to do what follows from it, before others look after it, in milliseconds. */
export const handsOffMs = 10_000

/** Waits before a notice that did not arrive is sent again, in milliseconds; after the last one it is given up. */
const noticeRetriesMs = [1000, 5000, 30_000, 120_000, 600_000, 3_600_000, 14_400_000] as const

/** What an approval's first notices are made of. */
export interface Telling {
  readonly callback: boolean
  readonly links: boolean
  readonly now: number
  /** A new id for a notice. */
  readonly newId: () => string
}

/** What is to be told when an approval has been made. */
export function firstNotices(approval: Approval, telling: Telling): Notice[] {
  return [...announcements('requested', telling), ...linksFor(approval.approvers, 'requested', telling)]
}

/** The record with whatever time has brought about: an end, more approvers, a reminder. The same object when nothing. */
export function passTime(record: ApprovalRecord, telling: Telling): ApprovalRecord {
  const { now } = telling
  const { approval } = record
  const ended = expire(approval, now)
  if (ended !== approval) return withApproval(record, ended, telling)
  const reminded = remind(approval, now)
  const escalated = escalate(reminded, now)
  const known = new Set(approval.approvers)
  const added = escalated.approvers.filter((name) => !known.has(name))
  const notices = [
    ...(reminded === approval
      ? []
      : [...announcements('reminded', telling), ...linksFor(awaited(approval), 'reminded', telling)]),
    ...(escalated === reminded
      ? []
      : [...announcements('escalated', telling), ...linksFor(added, 'escalated', telling)]),
  ]
  return escalated === approval ? record : { ...record, approval: escalated, notices: [...record.notices, ...notices] }
}

/** The record with its approval changed. Once that has ended, nobody need be told any more what was asked. */
export function withApproval(record: ApprovalRecord, approval: Approval, telling: Telling): ApprovalRecord {
  if (approval.end === undefined) return { ...record, approval }
  const unheard = record.notices.filter(({ via }) => via !== 'link')
  return { ...record, approval, notices: [...unheard, ...announcements('decided', telling)] }
}

/** The webhooks that are due, and the record in which they are due again only when whoever took them did not send them. */
export function takeWebhooks(
  record: ApprovalRecord,
  now: number,
  inHandMs: number,
): readonly [ApprovalRecord, readonly Notice[]] {
  const taken = record.notices.filter(({ via, at }) => via !== 'bus' && at <= now)
  if (taken.length === 0) return [record, taken]
  const notices = record.notices.map((each) => (taken.includes(each) ? { ...each, at: now + inHandMs } : each))
  return [{ ...record, notices }, taken]
}

/** The record after one of its notices was sent; one that `failed` is sent again, as long as that has a point. */
export function afterNotice(record: ApprovalRecord, sent: Notice, how: Sent, now: number): ApprovalRecord {
  // It may be gone already: an end takes back what need not be told any more.
  if (record.notices.every(({ id }) => id !== sent.id)) return record
  const others = record.notices.filter(({ id }) => id !== sent.id)
  const waitMs = noticeRetriesMs[sent.tries]
  const again = how !== 'failed' || waitMs === undefined ? [] : [{ ...sent, tries: sent.tries + 1, at: now + waitMs }]
  return { ...record, notices: [...others, ...again] }
}

/** The record after its result was published, while it is still counted among those that wait. */
export function stillCounted(record: ApprovalRecord, now: number): ApprovalRecord {
  if (record.publishedAt === undefined) return record
  return { ...record, publishing: { tries: record.publishing?.tries ?? 0, at: now } }
}

/** The record once it is counted no more. */
export function countedOut(record: ApprovalRecord): ApprovalRecord {
  const { publishing: _publishing, ...settled } = record
  return record.publishedAt === undefined ? record : settled
}

/** Whether nobody needs the record any more. */
export function isOld({ approval: { end }, publishedAt, notices }: ApprovalRecord, now: number): boolean {
  if (end === undefined || publishedAt === undefined || notices.length > 0) return false
  return now >= end.at + keptAfterEndMs
}

/** When somebody has to look at the record again. */
export function dueAt({ approval, notices, publishing, publishedAt }: ApprovalRecord, now: number): number {
  const { end } = approval
  const moments = [
    ...notices.map(({ at }) => at),
    ...(end === undefined ? [nextMoment(approval) ?? approval.expiresAt] : []),
    ...(end !== undefined && publishedAt === undefined ? [publishing?.at ?? now] : []),
    ...(publishedAt !== undefined && publishing !== undefined ? [publishing.at] : []),
  ]
  return moments.length > 0 ? Math.min(...moments) : (end?.at ?? now) + keptAfterEndMs
}

function announcements(kind: Notice['kind'], { callback, now, newId }: Telling): Notice[] {
  const bus: Notice = { kind, via: 'bus', at: now, tries: 0, id: newId() }
  return callback && (kind === 'requested' || kind === 'decided')
    ? [bus, { kind, via: 'callback', at: now, tries: 0, id: newId() }]
    : [bus]
}

function linksFor(approvers: readonly string[], kind: Notice['kind'], { links, now, newId }: Telling): Notice[] {
  if (!links) return []
  return approvers.map((approver) => ({ kind, via: 'link', approver, at: now, tries: 0, id: newId() }))
}
