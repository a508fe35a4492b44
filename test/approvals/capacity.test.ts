/** Records that are nearly as large as what can be stored. */
import { expect, test } from 'bun:test'
import { approvalIdOf, keyOf } from '../../src/approvals/record.ts'
import { MemoryStateStore } from '../../src/store/memory-state-store.ts'
import { asking, decide, hearApprovals, request, votingEnv } from '../support/approvals.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { startRig, type WorkerRig } from '../support/worker-rig.ts'

const id = approvalIdOf({ tenantId: 'acme', assignmentId: 'a-1' })
const env = votingEnv
/** As large in JSON as a comment can be. */
const comment = '\u0001'.repeat(2000)
const timeLimit = { required: 100, timeout_ms: 60_000 }

/** Votes with comments until one is refused; what was said then, and how many were counted. */
async function voteUntilFull(rig: WorkerRig) {
  for (let voter = 0; voter < 100; voter++) {
    const reply = await decide(rig, id, 'Reject', { approver: `voter ${voter}`, comment })
    if (reply?.['ok'] !== true) return { reply, counted: voter }
  }
  throw new Error('Never full')
}

test.each([
  ['expire', { status: 'timeout', error_code: 'APPROVAL_EXPIRED' }],
  ['Reject', { status: 'success', output: { decision: 'Reject' } }],
])('votes are refused while the end still fits: %s', async (onTimeout, result) => {
  const clock = new FakeClock()
  await using rig = await startRig({ env, clock, store: new MemoryStateStore({ maxValueBytes: 150_000 }) })
  const { requested } = hearApprovals(rig)
  rig.assign(asking({ ...timeLimit, on_timeout: onTimeout, remind_after_ms: 30_000 }))
  await clock.advance(2000)
  await requested.first()
  const { reply, counted } = await voteUntilFull(rig)
  expect(reply).toMatchObject({ ok: false, error: { code: 'QUOTA_EXCEEDED' }, approval: { status: 'pending' } })
  expect(counted).toBeGreaterThan(2)
  expect(await decide(rig, id, 'Reject', { approver: 'brief' })).toMatchObject({ ok: true })
  for (let second = 0; second < 62; second++) await clock.advance(1000)
  expect(await rig.result('a-1')).toMatchObject(result)
  expect(requested.all).toHaveLength(2)
  expect(await request(rig, 'get', { approval_id: id })).toMatchObject({ votes: { length: counted + 1 } })
})

test('an end fits even where votes were counted that leave no room for it', async () => {
  const clock = new FakeClock()
  const store = new MemoryStateStore()
  await using rig = await startRig({ env, clock, store })
  const { requested } = hearApprovals(rig)
  rig.assign(asking({ ...timeLimit, on_timeout: 'Approve' }))
  await clock.advance(2000)
  await requested.first()
  for (let voter = 0; voter < 10; voter++) await decide(rig, id, 'Approve', { approver: `voter ${voter}`, comment })
  const size = (await store.get(keyOf(id), new AbortController().signal))?.value.length ?? 0
  Object.assign(store, { maxValueBytes: size + 1000 })
  for (let second = 0; second < 60; second++) await clock.advance(1000)
  expect(await rig.result('a-1')).toMatchObject({ status: 'error', error_code: 'OUTPUT_TOO_LARGE' })
  expect(await rig.deadLetters()).toMatchObject([{ reason: 'JOB_FAILED', error_code: 'OUTPUT_TOO_LARGE' }])
  expect(await request(rig, 'get', { approval_id: id })).toMatchObject({ status: 'decided', decision: 'Approve' })
})
