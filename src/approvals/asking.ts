/** A new record of a question to people. Pure. */
import type { ParkedJob } from '../exchange/parking.ts'
import type { Inquiry } from '../handler.ts'
import { distinctPeople } from '../lib/person.ts'
import type { Approval } from './approval.ts'
import { firstNotices, type Telling } from './progress.ts'
import { type ApprovalRecord, jobOf } from './record.ts'

/** How long people have where nobody says: a day, in milliseconds; and at most. */
const usualExpiryMs = 86_400_000
const longestExpiryMs = 2_592_000_000

/** The record as it begins. */
export function newRecord(id: string, job: ParkedJob, inquiry: Inquiry, telling: Telling): ApprovalRecord {
  const { now } = telling
  const approval = newApproval(id, job, inquiry, now)
  return {
    version: 1,
    approval,
    job: jobOf(job, now),
    ...(inquiry.callbackUrl !== undefined && { callbackUrl: inquiry.callbackUrl }),
    notices: firstNotices(approval, telling),
  }
}

function newApproval(id: string, { caller, timeoutMs }: ParkedJob, inquiry: Inquiry, now: number): Approval {
  const { prompt, options, approveOptions, required, requester, noSelfApproval, onTimeout, remindAfterMs } = inquiry
  const { escalation } = inquiry
  const expiresAt = now + Math.min(inquiry.expiresInMs ?? timeoutMs ?? usualExpiryMs, longestExpiryMs)
  return {
    id,
    assignmentId: caller.assignmentId,
    tenantId: caller.tenantId,
    question: {
      prompt,
      options: [...options],
      approveOptions: [...approveOptions],
      required,
      ...(requester !== undefined && { requester }),
      noSelfApproval,
      onTimeout,
      ...(remindAfterMs !== undefined && { remindAt: now + remindAfterMs }),
      ...(escalation !== undefined && {
        escalation: { at: now + escalation.afterMs, approvers: [...escalation.approvers] },
      }),
    },
    approvers: distinctPeople(inquiry.approvers),
    createdAt: now,
    expiresAt,
    votes: [],
  }
}
