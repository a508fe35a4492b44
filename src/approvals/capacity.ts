/** Whether a record can still take its end: what is stored then holds the votes twice, in itself and in its result. */
import type { Reporter } from '../exchange/report.ts'
import type { Approval } from './approval.ts'
import { endedWith, tellsDecision } from './ending.ts'
import { type ApprovalRecord, encodeRecord } from './record.ts'

/** What is noted after the end: attempts, moments, a notice or two. In bytes. */
const roomForMarks = 2048
/** What a notice for one approver takes beside the name, in bytes. */
const noticeBytes = 200

/** Whether the record fits, and a result that tells the decision too, in `maxBytes`: now, and when only time passes. */
export function leavesRoom(
  record: ApprovalRecord,
  reporter: Pick<Reporter, 'encode'>,
  { maxBytes, spareBytes = 0 }: { readonly maxBytes: number; readonly spareBytes?: number },
): boolean {
  const ended = endedWith(asDecided(record), reporter)
  const bytes = encodeRecord(ended).length + roomForNotices(record) + roomForMarks + spareBytes
  return bytes <= maxBytes && tellsDecision(ended)
}

/** As if it were decided in the longest words, with everybody asked who can be. */
function asDecided(record: ApprovalRecord): ApprovalRecord {
  const { approval } = record
  if (approval.end !== undefined) return record
  const { options, escalation } = approval.question
  const decision = options.toSorted((one, other) => bytesOf(other) - bytesOf(one))[0] ?? ''
  const end = { kind: 'decided', at: approval.expiresAt, decision } as const
  const approvers = [...approval.approvers, ...(escalation?.approvers ?? [])]
  return { ...record, approval: { ...approval, approvers, end, remindedAt: end.at, escalatedAt: end.at } }
}

/** Reminders and escalations ask everybody once more at most, each. */
function roomForNotices({ approval }: ApprovalRecord): number {
  if (approval.end !== undefined) return 0
  return 2 * everybody(approval).reduce((sum, name) => sum + bytesOf(name) + noticeBytes, 0)
}

function everybody({ approvers, question }: Approval): readonly string[] {
  return [...approvers, ...(question.escalation?.approvers ?? [])]
}

function bytesOf(text: string): number {
  return Buffer.byteLength(JSON.stringify(text))
}
