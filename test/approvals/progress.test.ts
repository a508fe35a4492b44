import { describe, expect, test } from 'bun:test'
import type { Approval } from '../../src/approvals/approval.ts'
import {
  afterNotice,
  dueAt,
  firstNotices,
  isOld,
  keptAfterEndMs,
  passTime,
  withApproval,
} from '../../src/approvals/progress.ts'
import type { ApprovalRecord } from '../../src/approvals/record.ts'

const createdAt = 1_700_000_000_000
let ids = 0
const telling = (now: number) => ({ callback: true, links: true, now, newId: () => String(++ids) })

function recordOf(question: Partial<Approval['question']> = {}): ApprovalRecord {
  const approval: Approval = {
    ...{ id: 'ap_1', assignmentId: 'a', tenantId: 't', approvers: ['ann', 'bob'], votes: [] },
    ...{ createdAt, expiresAt: createdAt + 1000 },
    question: {
      ...{ prompt: 'Shall we?', options: ['Approve', 'Reject'], approveOptions: ['Approve'], required: 1 },
      ...{ noSelfApproval: false, onTimeout: 'expire', ...question },
    },
  }
  const caller = { assignmentId: 'a', tenantId: 't', form: 'bare' as const }
  const job = {
    caller,
    type: 'human_approval',
    assignment: {},
    subject: 's',
    headers: {},
    startedAt: createdAt,
    attempts: 1,
  }
  return { version: 1, approval, job, notices: firstNotices(approval, telling(createdAt)) }
}

const kindsOf = ({ notices }: ApprovalRecord) =>
  notices.map(({ kind, via, approver }) => [kind, via, approver ?? ''].join(' '))

test('a question is told on the bus, to the asker, and to each approver', () => {
  expect(kindsOf(recordOf())).toEqual([
    'requested bus ',
    'requested callback ',
    'requested link ann',
    'requested link bob',
  ])
})

test('its end is told, and takes back the links that have not arrived', () => {
  const record = recordOf()
  const ended = passTime(record, telling(createdAt + 1000))
  expect(ended.approval.end).toMatchObject({ kind: 'expired' })
  expect(kindsOf(ended)).toEqual(['requested bus ', 'requested callback ', 'decided bus ', 'decided callback '])
})

test('reminders go to those who have not voted, escalations to those who are new', () => {
  const escalation = { at: createdAt + 20, approvers: ['cid', 'ANN'] }
  const record = { ...recordOf({ remindAt: createdAt + 10, escalation, required: 2 }), notices: [] }
  const vote = { approver: 'ann', decision: 'Approve', at: createdAt, via: 'api' as const }
  const voted = withApproval(record, { ...record.approval, votes: [vote] }, telling(createdAt))
  expect(kindsOf(passTime(voted, telling(createdAt + 10)))).toEqual(['reminded bus ', 'reminded link bob'])
  const both = passTime(voted, telling(createdAt + 20))
  expect(kindsOf(both).slice(2)).toEqual(['escalated bus ', 'escalated link cid'])
  expect(passTime(both, telling(createdAt + 21))).toBe(both)
})

describe('a notice', () => {
  test('that failed is sent again with growing waits, for hours, then no more', () => {
    let record = recordOf()
    const waits: number[] = []
    for (let now = createdAt; ; ) {
      const [notice] = record.notices
      if (notice === undefined || notice.via !== 'bus') break
      record = afterNotice({ ...record, notices: [notice] }, notice, 'failed', now)
      const at = record.notices[0]?.at
      if (at === undefined) break
      waits.push(at - now)
      now = at
    }
    expect(waits).toEqual([1000, 5000, 30_000, 120_000, 600_000, 3_600_000, 14_400_000])
  })

  test('that arrived, or never will, is done; one that was taken back stays so', () => {
    const record = recordOf()
    const [first] = record.notices
    if (first === undefined) throw new Error('There is a notice')
    expect(afterNotice(record, first, 'arrived', createdAt).notices).toHaveLength(3)
    expect(afterNotice(record, first, 'refused', createdAt).notices).toHaveLength(3)
    const without = { ...record, notices: [] }
    expect(afterNotice(without, first, 'failed', createdAt)).toBe(without)
  })
})

test('it is due when something is to be told, to end, to be published, and to be forgotten', () => {
  const record = { ...recordOf(), notices: [] }
  expect(dueAt(record, createdAt)).toBe(createdAt + 1000)
  const end = { kind: 'cancelled' as const, at: createdAt + 5 }
  const ended = { ...record, approval: { ...record.approval, end } }
  expect(dueAt(ended, createdAt + 7)).toBe(createdAt + 7)
  expect(dueAt({ ...ended, publishing: { tries: 1, at: createdAt + 99 } }, createdAt + 7)).toBe(createdAt + 99)
  const published = { ...ended, publishedAt: createdAt + 8 }
  expect(dueAt(published, createdAt + 9)).toBe(end.at + keptAfterEndMs)
  expect(isOld(published, end.at + keptAfterEndMs - 1)).toBe(false)
  expect(isOld(published, end.at + keptAfterEndMs)).toBe(true)
  expect(isOld(ended, end.at + 2 * keptAfterEndMs)).toBe(false)
})
