import { expect, test } from 'bun:test'
import { publishEnd } from '../../src/approvals/ending.ts'
import type { ApprovalRecord } from '../../src/approvals/record.ts'
import { FakeClock } from '../support/fake-clock.ts'

const createdAt = 1_700_000_000_000
const end = { kind: 'expired' as const, at: createdAt + 10 }
const body = JSON.stringify({ assignment_id: 'a', tenant_id: 't', status: 'timeout' })

const ended: ApprovalRecord = {
  version: 1,
  approval: {
    ...{ id: 'ap_1', assignmentId: 'a', tenantId: 't', approvers: [], votes: [], end },
    ...{ createdAt, expiresAt: createdAt + 10 },
    question: {
      ...{ prompt: 'Shall we?', options: ['Approve'], approveOptions: ['Approve'], required: 1 },
      ...{ noSelfApproval: false, onTimeout: 'expire' },
    },
  },
  job: {
    caller: { assignmentId: 'a', tenantId: 't', form: 'bare' },
    ...{ type: 'human_approval', assignment: {}, subject: 's', headers: {}, startedAt: createdAt, attempts: 1 },
  },
  notices: [],
  result: { body, headers: {} },
}

/** Tries to publish once where that `arrives` or not; what was done, in order, and what is noted. */
async function tryOnce(record: ApprovalRecord, { arrives = false, connected = true, buried = true } = {}) {
  const done: string[] = []
  const reporter = {
    publish: async () => {
      done.push('publish')
      return arrives
    },
    bury: async (_report: unknown, _encoded: unknown, reason: string) => {
      done.push(reason)
      return buried
    },
  }
  // Only what is used of a reporter.
  const parts = { reporter: reporter as never, closing: new AbortController(), bus: { connected }, maxRetries: 2 }
  const mark = await publishEnd(record, { ...parts, clock: new FakeClock(createdAt) })
  const { publishing, publishedAt } = mark(record)
  return { done, tries: publishing?.tries, isDone: publishedAt !== undefined }
}

const after = (tries: number): ApprovalRecord => ({ ...ended, publishing: { tries, at: createdAt } })

test('an expired approval is buried before its result is published, once', async () => {
  expect(await tryOnce(ended, { arrives: true })).toEqual({
    done: ['EXPIRED', 'publish'],
    tries: undefined,
    isDone: true,
  })
  expect((await tryOnce(after(1), { arrives: true })).done).toEqual(['publish'])
})

test('what cannot be buried is not published', async () => {
  expect(await tryOnce(ended, { buried: false })).toEqual({ done: ['EXPIRED'], tries: 0, isDone: false })
})

test('a result that never arrives is kept whole as a dead letter', async () => {
  expect(await tryOnce(ended)).toMatchObject({ tries: 1, isDone: false })
  expect(await tryOnce(after(1))).toMatchObject({ tries: 2, isDone: false })
  expect(await tryOnce(after(2))).toEqual({ done: ['publish', 'PUBLISH_ERROR'], tries: 2, isDone: true })
})

test('without a connection no try is counted', async () => {
  expect(await tryOnce(after(2), { connected: false })).toEqual({ done: ['publish'], tries: 2, isDone: false })
})
