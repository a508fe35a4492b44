import { describe, expect, test } from 'bun:test'
import { JobError } from '../../src/errors.ts'
import { Leases } from '../../src/worker/lease.ts'
import { eventually } from '../support/eventually.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { aborted, probe } from '../support/probe.ts'
import { StoredDelivery } from '../support/stored-delivery.ts'
import { assignment, bytesOf, startRig, type Wire } from '../support/worker-rig.ts'

function stored(
  fields: Partial<ConstructorParameters<typeof StoredDelivery>[0]> = {},
  message: Wire = {},
): StoredDelivery {
  return new StoredDelivery({ body: bytesOf(assignment({ job: { type: 'probe' }, ...message })), ...fields })
}

function counted() {
  const gate = Promise.withResolvers<string>()
  const attempts: number[] = []
  const handler = probe((_input, { attempt }) => {
    attempts.push(attempt)
    return gate.promise
  })
  return { handler, attempts, open: () => gate.resolve('done') }
}

describe('a message that is delivered again', () => {
  test('while it is held here is the same lease: it runs once, and the latest delivery is extended and acked', async () => {
    const clock = new FakeClock()
    const { handler, attempts, open } = counted()
    await using rig = await startRig({ handlers: [handler], clock })
    const [first, second] = [stored(), stored({ deliveries: 2 })]
    rig.deliver(first)
    await clock.advance(10_000)
    rig.deliver(second)
    await clock.advance(10_000)
    open()
    await rig.result('a-1')
    await clock.advance(0)
    expect(attempts).toEqual([1])
    expect(first.done).toEqual(['extend'])
    expect(second.done).toEqual(['extend', 'ack'])
    expect(rig.acks.all.length).toBe(1)
    expect(rig.results.all.length).toBe(1)
    expect(await rig.metric('worker_redeliveries_total')).toBe(1)
  })

  test('after it ended here is only acked', async () => {
    const { handler, attempts, open } = counted()
    open()
    await using rig = await startRig({ handlers: [handler] })
    rig.deliver(stored())
    await rig.result('a-1')
    const late = stored({ deliveries: 2 })
    rig.deliver(late)
    await rig.drain()
    expect(late.done).toEqual(['ack'])
    expect(attempts).toEqual([1])
    expect(rig.results.all.length).toBe(1)
  })

  test('is remembered as ended when it was malformed or refused, too', async () => {
    await using rig = await startRig()
    rig.deliver(stored({ body: bytesOf('{nothing}'), sequence: '7' }))
    rig.deliver(stored({ sequence: '8' }, { assignment_id: 'a-8', job: { type: 'unheard-of' } }))
    await rig.notifications.some(2)
    await rig.result('a-8')
    const late = [stored({ deliveries: 2, sequence: '7' }), stored({ deliveries: 2, sequence: '8' })]
    for (const delivery of late) rig.deliver(delivery)
    await rig.drain()
    for (const delivery of late) expect(delivery.done).toEqual(['ack'])
    expect((await rig.deadLetters()).length).toBe(2)
  })

  test('is run here when another worker lost it', async () => {
    const { handler, attempts, open } = counted()
    open()
    await using rig = await startRig({ handlers: [handler] })
    const delivery = stored({ deliveries: 5 })
    rig.deliver(delivery)
    expect(await rig.result('a-1')).toMatchObject({ status: 'success', attempts: 1 })
    await rig.drain()
    expect(attempts).toEqual([1])
    expect(delivery.done).toEqual(['history', 'ack'])
  })

  test('goes on with the attempts that were written down', async () => {
    const { handler, attempts, open } = counted()
    open()
    await using rig = await startRig({ handlers: [handler] })
    rig.deliver(stored({ deliveries: 2, history: async () => ({ giveBacks: 1, attempts: 2 }) }))
    expect(await rig.result('a-1')).toMatchObject({ attempts: 3 })
    expect(attempts).toEqual([3])
  })

  test('goes on with the attempts that travel in headers, where nothing is stored', async () => {
    const { handler, attempts, open } = counted()
    open()
    await using rig = await startRig({ handlers: [handler] })
    rig.assign({ job: { type: 'probe' } }, { 'Beamline-Accepted': '1', 'Beamline-Attempts': '2' })
    expect(await rig.result('a-1')).toMatchObject({ attempts: 3 })
    expect(attempts).toEqual([3])
    expect(rig.acks.all).toEqual([])
  })
})

describe('strikes', () => {
  test.each([
    { deliveries: 5, giveBacks: 0, buried: false },
    { deliveries: 6, giveBacks: 0, buried: true },
    { deliveries: 6, giveBacks: 1, buried: false },
    { deliveries: 24, giveBacks: 20, buried: false },
    { deliveries: 26, giveBacks: 20, buried: true },
  ])('$deliveries deliveries of which $giveBacks were given back: buried is $buried', async (row) => {
    const { deliveries, giveBacks, buried } = row
    const { handler, attempts, open } = counted()
    open()
    const order: string[] = []
    await using rig = await startRig({ handlers: [handler], on: (what) => order.push(what) })
    const history = async () => ({ giveBacks, attempts: 0 })
    const delivery = stored({ deliveries, history, on: (what) => order.push(what) })
    rig.deliver(delivery)
    const result = await rig.result('a-1')
    await rig.drain()
    expect(attempts.length).toBe(buried ? 0 : 1)
    if (!buried) return expect(result).toMatchObject({ status: 'success' })
    expect(result).toMatchObject({
      status: 'error',
      error_code: 'INTERNAL_ERROR',
      error_details: { reason: 'MAX_DELIVERIES' },
      attempts: 0,
      latency_ms: 0,
      retryable: false,
    })
    expect(order.filter((what) => what !== 'heartbeat')).toEqual(['history', 'dead letter', 'result', 'ack'])
    expect(await rig.deadLetters()).toMatchObject([{ reason: 'MAX_DELIVERIES', assignment_id: 'a-1' }])
    // It had been accepted: a refusal now would contradict that.
    expect(rig.acks.all).toEqual([])
  })

  test('are not counted when the history cannot be read', async () => {
    const { handler, attempts, open } = counted()
    open()
    await using rig = await startRig({ handlers: [handler] })
    rig.deliver(stored({ deliveries: 99, history: () => Promise.reject(new Error('no answer')) }))
    expect(await rig.result('a-1')).toMatchObject({ status: 'success' })
    expect(attempts).toEqual([1])
  })

  test('a message that cannot be read is a malformed one, however often it came', async () => {
    await using rig = await startRig()
    const delivery = stored({ deliveries: 99, body: bytesOf('{nothing}') })
    rig.deliver(delivery)
    await rig.notifications.first()
    await rig.drain()
    expect(await rig.deadLetters()).toMatchObject([{ reason: 'PARSE_ERROR' }])
    expect(delivery.done).toEqual(['history', 'ack'])
  })

  test('a redelivery that comes while the history is asked for is the same lease', async () => {
    const asked = Promise.withResolvers<{ giveBacks: number; attempts: number }>()
    const { handler, attempts, open } = counted()
    open()
    await using rig = await startRig({ handlers: [handler] })
    const first = stored({ deliveries: 2, history: () => asked.promise })
    const second = stored({ deliveries: 3 })
    rig.deliver(first)
    rig.deliver(second)
    await eventually(async () => (await rig.metric('worker_redeliveries_total')) === 2)
    asked.resolve({ giveBacks: 0, attempts: 0 })
    await rig.result('a-1')
    await rig.drain()
    expect(attempts).toEqual([1])
    expect([first.done, second.done]).toEqual([['history'], ['ack']])
  })
})

describe('retries inside a window', () => {
  const failing = probe(() => {
    throw new JobError('HTTP_REQUEST_FAILED', 'It failed', { retry: { afterMs: 5000 } })
  })
  const often = { options: { retry: { max_attempts: 4 } } }

  function several(count: number): StoredDelivery[] {
    return Array.from({ length: count }, (_, index) =>
      stored({ sequence: `s-${index}` }, { assignment_id: `a-${index}`, ...often }),
    )
  }

  test('fill half of it; the surplus goes back to the stream with its attempts and its wait', async () => {
    const clock = new FakeClock()
    await using rig = await startRig({ handlers: [failing], window: 6, clock })
    const deliveries = several(5)
    for (const delivery of deliveries) rig.deliver(delivery)
    await clock.advance(100)
    const back = deliveries.filter(({ givenBack }) => givenBack.length > 0)
    expect(back.length).toBe(2)
    for (const { givenBack } of back) expect(givenBack).toMatchObject([{ delayMs: 5000, attempts: 1 }])
    expect(rig.results.all).toEqual([])
    // What waits here is kept alive, what went back is not.
    await clock.advance(10_000)
    for (const { done } of back) expect(done).not.toContain('extend')
  })

  test('stay here when the stream does not take them back', async () => {
    const clock = new FakeClock()
    await using rig = await startRig({ handlers: [failing], window: 1, clock })
    const delivery = stored({ giveBack: async () => false }, often)
    rig.deliver(delivery)
    await clock.advance(20_000)
    expect(await rig.result('a-1')).toMatchObject({ error_code: 'HTTP_REQUEST_FAILED', attempts: 4, retryable: true })
    await clock.advance(0)
    expect(delivery.done.at(-1)).toBe('ack')
    expect(delivery.done).toContain('extend')
  })

  test('come straight back without being taken for a job that is still here', async () => {
    const clock = new FakeClock()
    const attempts: number[] = []
    const handler = probe((_input, { attempt }) => {
      attempts.push(attempt)
      if (attempt === 1) throw new JobError('HTTP_REQUEST_FAILED', 'It failed', { retry: { afterMs: 0 } })
      return 'done'
    })
    await using rig = await startRig({ handlers: [handler], window: 1, clock })
    const second = stored({ deliveries: 2, history: async () => ({ giveBacks: 1, attempts: 1 }) }, often)
    const first = stored(
      {
        giveBack: async () => {
          rig.deliver(second)
          return true
        },
      },
      often,
    )
    rig.deliver(first)
    await clock.advance(100)
    expect(await rig.result('a-1')).toMatchObject({ status: 'success', attempts: 2 })
    await clock.advance(0)
    expect(attempts).toEqual([1, 2])
    expect(first.done).toEqual(['give back'])
    expect(second.done).toEqual(['history', 'ack'])
  })
})

describe('leases', () => {
  test('are extended at a third of their length, all by one timer, until they end', async () => {
    const clock = new FakeClock()
    const leases = new Leases(clock)
    const deliveries = ['1', '2'].map((sequence) => stored({ sequence, leaseMs: 3000 }))
    const [first, second] = deliveries.map((delivery) => leases.hold(delivery))
    if (first === undefined || second === undefined) throw new Error('two leases')
    expect(clock.pending).toBe(1)
    await clock.advance(1000)
    expect(deliveries.map(({ done }) => done)).toEqual([['extend'], ['extend']])
    leases.release(first)
    await leases.end(second)
    await clock.advance(5000)
    expect(deliveries.map(({ done }) => done)).toEqual([['extend'], ['extend', 'ack']])
    expect([leases.hasEnded('1'), leases.hasEnded('2')]).toEqual([false, true])
    leases[Symbol.dispose]()
    expect(clock.pending).toBe(0)
  })

  test('have no timer where deliveries have none', () => {
    const clock = new FakeClock()
    const leases = new Leases(clock)
    leases.hold(stored({ leaseMs: undefined, sequence: undefined }))
    expect(clock.pending).toBe(0)
  })

  test('of a stuck handler are not extended any longer', async () => {
    const clock = new FakeClock()
    const handler = probe(async (_input, { signal }) => {
      await aborted(signal)
      await new Promise(() => undefined)
    })
    await using rig = await startRig({ handlers: [handler], clock })
    const delivery = stored({ leaseMs: 3000 }, { job: { type: 'probe', timeout_ms: 500 } })
    rig.deliver(delivery)
    await clock.advance(1500)
    expect(await rig.result('a-1')).toMatchObject({ status: 'timeout', error_code: 'TIMEOUT', attempts: 1 })
    await clock.advance(60_000)
    expect(delivery.done).toEqual(['extend', 'ack'])
  })
})
