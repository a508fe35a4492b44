import { expect, test } from 'bun:test'
import { aborted, probe } from '../support/probe.ts'
import { startRig, type Wire } from '../support/worker-rig.ts'

/** A handler that notes who runs, each job until the next one is let go. */
function inTurn(type = 'probe', pool: 'cpu' | 'io' = 'io') {
  const order: string[] = []
  const gates: (() => void)[] = []
  const handler = probe(
    (_input, { assignmentId, signal }) => {
      order.push(assignmentId)
      const { promise, resolve } = Promise.withResolvers<void>()
      gates.push(resolve)
      return Promise.race([promise, aborted(signal)])
    },
    { type, pool },
  )
  return { handler, order, release: () => gates.shift()?.() }
}

test('the higher priority goes first, then the earlier deadline', async () => {
  const { handler, order, release } = inTurn()
  await using rig = await startRig({ handlers: [handler], env: { WORKER_MAX_CONCURRENCY: '1' } })
  const assign = (id: string, options: Wire): void => rig.assign({ assignment_id: id, job: { type: 'probe' }, options })
  assign('first', {})
  assign('low', { priority: 20 })
  assign('later', { priority: 60, deadline_ms: 60_000 })
  assign('sooner', { priority: 60, deadline_ms: 50_000 })
  assign('above', { priority: 1000 })
  for (let done = 1; done <= 5; done++) {
    await rig.acks.some(5)
    release()
    await rig.results.some(done)
  }
  expect(order).toEqual(['first', 'above', 'sooner', 'later', 'low'])
})

test('a tenant runs no more at once than it may, while others go on', async () => {
  const { handler, order, release } = inTurn()
  const env = { WORKER_MAX_CONCURRENCY: '4', WORKER_TENANT_MAX_CONCURRENCY: '1' }
  await using rig = await startRig({ handlers: [handler], env })
  for (const [id, tenant] of Object.entries({ a1: 'a', a2: 'a', b1: 'b', b2: 'b' })) {
    rig.assign({ assignment_id: id, tenant_id: tenant, job: { type: 'probe' } })
  }
  await rig.acks.some(4)
  expect(order).toEqual(['a1', 'b1'])
  for (let done = 1; done <= 4; done++) {
    release()
    await rig.results.some(done)
  }
  expect(order).toEqual(['a1', 'b1', 'a2', 'b2'])
})

test('jobs that compute do not take the slots of those that wait', async () => {
  const [cpu, io] = [inTurn('compute', 'cpu'), inTurn('wait', 'io')]
  const env = { WORKER_MAX_CONCURRENCY: '8', WORKER_CPU_POOL_SIZE: '2' }
  await using rig = await startRig({ handlers: [cpu.handler, io.handler], env })
  for (let index = 0; index < 6; index++) rig.assign({ assignment_id: `c${index}`, job: { type: 'compute' } })
  for (let index = 0; index < 6; index++) rig.assign({ assignment_id: `w${index}`, job: { type: 'wait' } })
  await rig.acks.some(12)
  await Promise.resolve()
  expect([cpu.order.length, io.order.length]).toEqual([2, 6])
  expect(await rig.metric('worker_queue_depth{pool="cpu"}')).toBe(4)
  expect(await rig.metric('worker_slots{pool="cpu"}')).toBe(2)
  expect(await rig.metric('worker_active_jobs')).toBe(8)
  expect(rig.role.load).toBe(1)
  for (let done = 1; done <= 12; done++) {
    cpu.release()
    io.release()
    await rig.results.some(Math.min(done, 12))
  }
})
