import { describe, expect, test } from 'bun:test'
import { fingerprint } from '../../src/worker/duplicates.ts'
import { eventually } from '../support/eventually.ts'
import { probe } from '../support/probe.ts'
import { startRig, type Wire } from '../support/worker-rig.ts'
import { decoded } from './make-job.ts'

function gated() {
  const gate = Promise.withResolvers<string>()
  let runs = 0
  const handler = probe(() => {
    runs++
    return gate.promise
  })
  return { handler, open: () => gate.resolve('done'), runs: () => runs }
}

describe('an assignment that comes twice', () => {
  test('while the first runs is answered by that one', async () => {
    const { handler, open, runs } = gated()
    await using rig = await startRig({ handlers: [handler] })
    for (let times = 0; times < 3; times++) rig.assign({ job: { type: 'probe' } })
    await eventually(async () => (await rig.metric('worker_assignments_total{outcome="duplicate"}')) === 2)
    open()
    await rig.result('a-1')
    await rig.drain()
    expect([runs(), rig.acks.all.length, rig.results.all.length]).toEqual([1, 1, 1])
  })

  test('after the first ended gets the same result, byte for byte, headers included', async () => {
    const { handler, open, runs } = gated()
    open()
    await using rig = await startRig({ handlers: [handler] })
    rig.assign({ job: { type: 'probe' }, trace_id: '0af7651916cd43dd8448eb211c80319c' })
    await rig.result('a-1')
    rig.assign({ job: { type: 'probe' } })
    const [first, second] = await rig.results.some(2)
    expect(second).toEqual(first as never)
    expect([runs(), rig.acks.all.length]).toEqual([1, 1])
  })

  test('also when the first failed', async () => {
    await using rig = await startRig()
    const wrong = { job: { type: 'sleep', payload: { ms: 'soon' } } }
    rig.assign(wrong)
    await rig.result('a-1')
    rig.assign(wrong)
    const [first, second] = await rig.results.some(2)
    expect(second?.text).toBe(first?.text as string)
    await rig.drain()
    expect((await rig.deadLetters()).length).toBe(1)
  })

  test('with other work under the same id is treated the same, counted and logged', async () => {
    const { handler, open, runs } = gated()
    await using rig = await startRig({ handlers: [handler] })
    const conflicts = (): Promise<number> => rig.metric('worker_assignments_total{outcome="conflict"}')
    rig.assign({ job: { type: 'probe', payload: 1 } })
    rig.assign({ job: { type: 'probe', payload: 2 } })
    await eventually(async () => (await conflicts()) === 1)
    open()
    await rig.result('a-1')
    rig.assign({ job: { type: 'probe', payload: 3 } })
    const [first, second] = await rig.results.some(2)
    expect(second?.text).toBe(first?.text as string)
    expect([runs(), await conflicts()]).toEqual([1, 2])
    expect(rig.log.all.filter((line) => line['level'] === 'WARN').length).toBe(2)
  })

  test('under another tenant is another job, also when the ids run together', async () => {
    await using rig = await startRig()
    rig.assign({ tenant_id: 'one', assignment_id: 'two:three' })
    rig.assign({ tenant_id: 'one:two', assignment_id: 'three' })
    rig.assign({ tenant_id: 'other', assignment_id: 'three' })
    await rig.results.some(3)
    expect(await rig.metric('worker_assignments_total{outcome="accepted"}')).toBe(3)
  })
})

describe('the fingerprint of work', () => {
  test('differs for other work, and only for that', () => {
    const of = (fields: Wire): number => fingerprint(decoded(fields).raw)
    const job = { type: 'echo', payload: { n: 1 } }
    expect(of({ job })).toBe(of({ job, request_id: 'other', options: { priority: 1 } }))
    expect(of({ job })).not.toBe(of({ job: { ...job, payload: { n: 2 } } }))
  })

  test('is there even for what cannot be written as JSON, so that the job ends all the same', () => {
    const job: Record<string, unknown> = {}
    // Stands for what is nested so deeply that writing it runs out of stack, which takes a second to find out.
    job['self'] = job
    expect(() => fingerprint({ job })).not.toThrow()
  })
})
