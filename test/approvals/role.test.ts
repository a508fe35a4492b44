import { describe, expect, test } from 'bun:test'
import { approvalIdOf } from '../../src/approvals/record.ts'
import { MemoryStateStore } from '../../src/store/memory-state-store.ts'
import { StoreError } from '../../src/store/state-store.ts'
import { asking, decide, hearApprovals, request, votingEnv } from '../support/approvals.ts'
import { eventually } from '../support/eventually.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { StoredDelivery } from '../support/stored-delivery.ts'
import { assignment, bytesOf, startRig } from '../support/worker-rig.ts'

const id = approvalIdOf({ tenantId: 'acme', assignmentId: 'a-1' })
const env = votingEnv

/** A store that outlives the worker which closes it. */
function lasting(store: MemoryStateStore): MemoryStateStore {
  return Object.assign(store, { [Symbol.asyncDispose]: async () => undefined })
}

function delivery(sequence: string, payload = {}): StoredDelivery {
  return new StoredDelivery({ body: bytesOf(assignment(asking(payload))), sequence })
}

describe('a question to people', () => {
  test('waits without a message or a slot, and its result is what they decide', async () => {
    await using rig = await startRig({ env })
    const { requested, decided } = hearApprovals(rig)
    const held = delivery('7')
    rig.deliver(held)
    const record = await requested.first()
    expect(record).toMatchObject({ approval_id: id, status: 'pending', prompt: 'Shall we?', votes: [] })
    await eventually(() => held.done.includes('ack'))
    expect(rig.role.activeJobs).toBe(0)
    expect(await rig.metric('worker_parked_jobs')).toBe(1)
    expect(rig.results.all).toEqual([])
    const reply = await decide(rig, id, 'Approve', { comment: 'Go on' })
    expect(reply).toMatchObject({ ok: true, approval: { status: 'decided', approved: true } })
    const result = await rig.result('a-1')
    expect(result).toMatchObject({ status: 'success', attempts: 1, job_type: 'human_approval' })
    expect(result['output']).toMatchObject({
      ...{ prompt: 'Shall we?', options: ['Approve', 'Reject'], status: 'completed', decision: 'Approve' },
      ...{ approved: true, approver: 'ann', comment: 'Go on', approval_id: id },
      votes: [{ approver: 'ann', decision: 'Approve', comment: 'Go on', via: 'nats' }],
    })
    expect(await decided.first()).toMatchObject({ approval_id: id, status: 'decided', decision: 'Approve' })
    expect(await rig.metric('worker_approval_decisions_total{kind="approved"}')).toBe(1)
    expect(await rig.metric('worker_jobs_total{type="human_approval",status="success"}')).toBe(1)
    await eventually(async () => (await rig.metric('worker_parked_jobs')) === 0)
  })

  test('delivered again is answered by its record: with silence, then with the same bytes', async () => {
    await using rig = await startRig({ env })
    const { requested } = hearApprovals(rig)
    rig.deliver(delivery('1'))
    await requested.first()
    const again = delivery('2')
    rig.deliver(again)
    await eventually(() => again.done.includes('ack'))
    await decide(rig, id, 'Reject')
    const first = await rig.results.first()
    // What was published and not yet noted is left to whoever publishes.
    await eventually(async () => (await rig.metric('worker_parked_jobs')) === 0)
    const late = delivery('3', { prompt: 'Something else' })
    rig.deliver(late)
    const [, second] = await rig.results.some(2)
    expect(second?.text).toBe(first.text)
    expect(second?.headers).toEqual(first.headers)
    await eventually(() => late.done.includes('ack'))
    expect(await rig.metric('worker_assignments_total{outcome="conflict"}')).toBe(1)
    expect(requested.all).toHaveLength(1)
  })

  test('is answered by its record on another worker too', async () => {
    const keep = { store: lasting(new MemoryStateStore()) }
    await using one = await startRig({ env, ...keep })
    const { requested } = hearApprovals(one)
    one.deliver(delivery('1'))
    await requested.first()
    await decide(one, id, 'Approve')
    const { text } = await one.results.first()
    await eventually(async () => (await one.metric('worker_parked_jobs')) === 0)
    await using other = await startRig({ env, ...keep })
    const again = delivery('1')
    other.deliver(again)
    expect((await other.results.first()).text).toBe(text)
    await eventually(() => again.done.includes('ack'))
  })

  test('that is cancelled ends so, and once', async () => {
    await using rig = await startRig({ env })
    const { requested } = hearApprovals(rig)
    rig.assign(asking())
    await requested.first()
    rig.cancel('a-1')
    expect(await rig.result('a-1')).toMatchObject({ status: 'cancelled', error_code: 'CANCELLED' })
    expect(await decide(rig, id, 'Approve')).toMatchObject({ ok: false, error: { code: 'ENDED' } })
    expect(await rig.deadLetters()).toEqual([])
  })

  test('says which votes do not count', async () => {
    await using rig = await startRig({ env })
    const { requested } = hearApprovals(rig)
    rig.assign(asking({ approvers: ['ann', 'bob', 'rita'], required: 2, no_self_approval: true }))
    await requested.first()
    const codeOf = async (decision: string, more = {}) => {
      const reply = await decide(rig, id, decision, more)
      // An error has a code.
      return (reply?.['error'] as { readonly code: string } | undefined)?.code
    }
    expect(await codeOf('Perhaps')).toBe('INVALID_INPUT')
    expect(await codeOf('Approve', { approver: 'eve' })).toBe('PERMISSION_DENIED')
    expect(await codeOf('Approve', { approver: 'rita' })).toBe('PERMISSION_DENIED')
    expect(await codeOf('Approve', { token: 'wrong' })).toBe('PERMISSION_DENIED')
    expect(await codeOf('Approve')).toBeUndefined()
    expect(await codeOf('Approve')).toBeUndefined()
    expect(await codeOf('Reject')).toBe('CONFLICT')
    expect(await request(rig, 'get', { approval_id: id })).toMatchObject({ status: 'pending', votes: [{}] })
    expect(await request(rig, 'list', { status: 'pending' })).toMatchObject({ items: [{ approval_id: id }] })
    expect(await request(rig, 'get', { approval_id: 'ap_none' })).toMatchObject({ error: { code: 'NOT_FOUND' } })
    expect(await codeOf('Approve', { approver: 'bob' })).toBeUndefined()
    expect((await rig.result('a-1'))['output']).toMatchObject({ approved: true, approver: 'bob' })
  })
})

describe('time', () => {
  test('ends it: dead letter, then a result with status timeout, neither deadline nor limit before', async () => {
    const clock = new FakeClock()
    const order: string[] = []
    await using rig = await startRig({ env, clock, on: (what) => order.push(what) })
    const { requested } = hearApprovals(rig)
    rig.assign({ ...asking({ timeout_seconds: 120 }), options: { deadline_ms: 5000 } })
    await clock.advance(100)
    await requested.first()
    await clock.advance(119_000)
    expect(rig.results.all).toEqual([])
    await clock.advance(2000)
    const result = await rig.result('a-1')
    expect(result).toMatchObject({ status: 'timeout', error_code: 'APPROVAL_EXPIRED', retryable: false })
    expect(order.filter((what) => what !== 'ack' && what !== 'heartbeat')).toEqual(['dead letter', 'result'])
    expect(await rig.deadLetters()).toMatchObject([{ reason: 'EXPIRED', error_code: 'APPROVAL_EXPIRED' }])
    expect(await rig.metric('worker_approval_decisions_total{kind="expired"}')).toBe(1)
  })

  test('reminds, asks more people, then takes the option that was named', async () => {
    const clock = new FakeClock()
    await using rig = await startRig({ env, clock })
    const { requested } = hearApprovals(rig)
    const escalate = { after_ms: 20_000, approvers: ['bob'] }
    rig.assign(
      asking({ approvers: ['ann'], remind_after_ms: 10_000, escalate, timeout_ms: 30_000, on_timeout: 'reject' }),
    )
    await clock.advance(2000)
    expect(requested.all).toHaveLength(1)
    await clock.advance(9000)
    expect(requested.all).toHaveLength(2)
    await clock.advance(10_000)
    expect(requested.all.map(({ approvers }) => approvers)).toEqual([['ann'], ['ann'], ['ann', 'bob']])
    await clock.advance(10_000)
    expect((await rig.result('a-1'))['output']).toMatchObject({ decision: 'Reject', approved: false, approver: null })
    expect(await rig.deadLetters()).toEqual([])
  })

  test('removes what has ended a week ago', async () => {
    const store = lasting(new MemoryStateStore())
    {
      await using rig = await startRig({ env, store, clock: new FakeClock() })
      rig.assign(asking())
      await hearApprovals(rig).requested.first()
      await decide(rig, id, 'Approve')
      await rig.result('a-1')
      await eventually(async () => (await rig.metric('worker_parked_jobs')) === 0)
    }
    const weekMs = 7 * 86_400_000
    for (const [days, left] of [
      [6.9, 1],
      [7.1, 0],
    ] as const) {
      const clock = new FakeClock(1_700_000_000_000 + (days / 7) * weekMs)
      await using rig = await startRig({ env, store, clock })
      await clock.advance(3000)
      expect(rig.results.all).toEqual([])
      expect(store.count('')).toBe(left)
    }
  })

  test('the limit of the job is the expiry of its question', async () => {
    await using rig = await startRig({ env })
    const { requested } = hearApprovals(rig)
    const { job } = asking() as { readonly job: object }
    rig.assign({ ...asking(), job: { ...job, timeout_ms: 3_600_000 } })
    const { created_at: from, expires_at: until } = await requested.first()
    expect(Date.parse(String(until)) - Date.parse(String(from))).toBe(3_600_000)
  })
})

describe('keeping it', () => {
  test('is refused for good where it is too large', async () => {
    await using rig = await startRig({ env, store: new MemoryStateStore({ maxValueBytes: 100_000 }) })
    rig.assign(asking({ prompt: 'x'.repeat(20_000) }))
    expect(await rig.result('a-1')).toMatchObject({ status: 'error', error_code: 'QUOTA_EXCEEDED' })
  })

  test('is tried again while the store cannot be reached, and nothing is acked meanwhile', async () => {
    const store = new MemoryStateStore()
    const create = store.create.bind(store)
    let down = true
    store.create = async (...given) => {
      if (down) throw new StoreError('unreachable', 'planted')
      return create(...given)
    }
    store.health = () => (down ? 'planted' : 'ok')
    await using rig = await startRig({ env, store })
    const { requested } = hearApprovals(rig)
    const held = delivery('1')
    rig.deliver(held)
    await rig.log.first(
      ({ message }) => message === 'A question to people cannot be kept; its job is held until it can',
    )
    expect(held.done).not.toContain('ack')
    expect(rig.approvals.checks()).toEqual({ state: 'planted' })
    down = false
    await requested.first()
    await eventually(() => held.done.includes('ack'))
  })

  test('ends with the worker: the message goes back to where it is stored', async () => {
    const store = new MemoryStateStore()
    store.create = async () => {
      throw new StoreError('unreachable', 'planted')
    }
    await using rig = await startRig({ env, store })
    const held = delivery('1')
    rig.deliver(held)
    await rig.log.first(
      ({ message }) => message === 'A question to people cannot be kept; its job is held until it can',
    )
    await rig.drain()
    expect(held.done).toContain('give back')
    expect(held.done).not.toContain('ack')
    expect(rig.results.all).toEqual([])
  })
})

test('in sandbox mode the answer is the one in the payload', async () => {
  await using rig = await startRig({ env: { WORKER_SANDBOX_MODE: 'true' } })
  rig.assign(asking({ response: { decision: 'Reject', approver: 'zoe', comment: 'no' } }))
  const result = await rig.result('a-1')
  expect(result).toMatchObject({ status: 'success', sandbox: true })
  expect(result['output']).toMatchObject({ decision: 'Reject', approved: false, approver: 'zoe', comment: 'no' })
})

test('outside sandbox mode nobody looks at the answer in the payload', async () => {
  await using rig = await startRig({ env })
  const { requested } = hearApprovals(rig)
  rig.assign(asking({ response: 'Approve' }))
  expect(await requested.first()).toMatchObject({ status: 'pending' })
  expect(rig.results.all).toEqual([])
})
