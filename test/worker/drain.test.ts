import { describe, expect, test } from 'bun:test'
import { JobError } from '../../src/errors.ts'
import type { Handler } from '../../src/handler.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { aborted, probe, untilStopped } from '../support/probe.ts'
import { StoredDelivery } from '../support/stored-delivery.ts'
import { assignment, bytesOf, openHub, startRig, type Wire } from '../support/worker-rig.ts'

const oneSlot = { WORKER_MAX_CONCURRENCY: '1', SHUTDOWN_GRACE_MS: '3000' }

function stored(
  id: string,
  fields: Partial<ConstructorParameters<typeof StoredDelivery>[0]> = {},
  message: Wire = {},
): StoredDelivery {
  const body = bytesOf(assignment({ assignment_id: id, job: { type: 'probe' }, ...message }))
  return new StoredDelivery({ body, sequence: id, ...fields })
}

describe('what has not started', () => {
  test('goes to the other workers: one ack, one result, nothing charged', async () => {
    const hub = openHub()
    const running = Promise.withResolvers<string>()
    await using leaving = await startRig({
      hub,
      handlers: [probe(() => running.promise)],
      env: { ...oneSlot, WORKER_ID: 'leaving' },
    })
    for (let index = 0; index < 20; index++) leaving.assign({ assignment_id: `j-${index}`, job: { type: 'probe' } })
    await leaving.acks.some(20)
    await using _staying = await startRig({ hub, handlers: [probe(() => 'done')], env: { WORKER_ID: 'staying' } })
    const drained = leaving.drain()
    await leaving.results.some(19)
    running.resolve('done')
    await drained
    await leaving.results.some(20)
    const by = leaving.results.all.map(({ wire }) => wire['worker_id'])
    expect(by.filter((id) => id === 'staying').length).toBe(19)
    for (let index = 0; index < 20; index++) {
      expect(leaving.resultsOf(`j-${index}`)).toMatchObject([{ status: 'success', attempts: 1 }])
      expect(leaving.acksOf(`j-${index}`).length).toBe(1)
    }
    expect(await leaving.deadLetters()).toEqual([])
  })

  test('ends as INTERRUPTED when no one else is there', async () => {
    const running = Promise.withResolvers<string>()
    await using rig = await startRig({ handlers: [probe(() => running.promise)], env: oneSlot })
    for (const id of ['runs', 'waits']) rig.assign({ assignment_id: id, job: { type: 'probe' } })
    await rig.ack('waits')
    const drained = rig.drain()
    expect(await rig.result('waits')).toMatchObject({
      status: 'error',
      error_code: 'RESOURCE_UNAVAILABLE',
      retryable: true,
      attempts: 0,
    })
    running.resolve('done')
    await drained
    expect(rig.resultsOf('runs')).toMatchObject([{ status: 'success' }])
    expect(await rig.deadLetters()).toMatchObject([{ reason: 'INTERRUPTED', assignment_id: 'waits' }])
  })

  test('is given back with the tries that it has had, when it waits for another', async () => {
    const handler = probe(() => {
      throw new JobError('HTTP_REQUEST_FAILED', 'It failed', { retry: { afterMs: 60_000 } })
    })
    await using rig = await startRig({ handlers: [handler] })
    const delivery = stored('a-1', {}, { options: { retry: { max_attempts: 3 } } })
    rig.deliver(delivery)
    await rig.log.first((line) => line['message'] === 'Job retrying')
    await rig.drain()
    expect(delivery.givenBack).toEqual([{ attempts: 1, accepted: true }])
    expect(rig.results.all).toEqual([])
  })

  test('is told to whoever gets it that it was accepted, so that nobody contradicts that', async () => {
    await using rig = await startRig({ handlers: [probe(untilStopped)], env: { ...oneSlot, SHUTDOWN_GRACE_MS: '0' } })
    const deliveries = ['runs', 'waits'].map((id) => stored(id))
    for (const delivery of deliveries) rig.deliver(delivery)
    await rig.acks.some(2)
    await rig.drain()
    for (const { givenBack, done } of deliveries) {
      expect(givenBack).toEqual([{ attempts: 0, accepted: true }])
      expect(done).toEqual(['give back'])
    }
  })
})

describe('what arrives while the worker leaves', () => {
  test('is given back unaccepted, and only when nothing more will come', async () => {
    const stopping = Promise.withResolvers<void>()
    const order: string[] = []
    await using rig = await startRig({
      handlers: [probe(() => 'done')],
      wrap: (bus) => {
        const take = bus.take.bind(bus)
        bus.take = (deliver) => {
          const { window, pause, resume } = take(deliver)
          const stop = async (): Promise<void> => {
            await stopping.promise
            order.push('stopped')
          }
          return { window, pause, resume, stop }
        }
        return bus
      },
    })
    const drained = rig.drain()
    const delivery = stored('late', { on: (what) => order.push(what) })
    rig.deliver(delivery)
    stopping.resolve()
    await drained
    expect(order).toEqual(['stopped', 'give back'])
    expect(delivery.givenBack).toEqual([{ accepted: false }])
    expect([rig.acks.all.length, rig.results.all.length]).toEqual([0, 0])
  })

  test('and that nobody else takes is accepted, and ends as INTERRUPTED', async () => {
    await using rig = await startRig({ handlers: [probe(() => 'done')] })
    const drained = rig.drain()
    rig.deliver(stored('late', { giveBack: async () => false }))
    await drained
    expect(rig.acksOf('late')).toMatchObject([{ status: 'accepted' }])
    expect(rig.resultsOf('late')).toMatchObject([{ error_code: 'RESOURCE_UNAVAILABLE', attempts: 0 }])
    expect(await rig.deadLetters()).toMatchObject([{ reason: 'INTERRUPTED' }])
  })
})

describe('what runs', () => {
  async function draining(handler: Handler, giveBack: () => Promise<boolean> = async () => true) {
    const clock = new FakeClock()
    const rig = await startRig({ handlers: [handler], env: oneSlot, clock })
    const delivery = stored('a-1', { giveBack })
    rig.deliver(delivery)
    await rig.log.first((line) => line['message'] === 'Job running')
    return { rig, clock, delivery }
  }

  test('may end by itself within the grace period', async () => {
    const gate = Promise.withResolvers<string>()
    let signal: AbortSignal | undefined
    const { rig, clock, delivery } = await draining(
      probe((_input, context) => {
        signal = context.signal
        return gate.promise
      }),
    )
    const drained = rig.role.drain()
    await clock.advance(2999)
    expect(signal?.aborted).toBe(false)
    gate.resolve('done')
    await drained
    expect(rig.resultsOf('a-1')).toMatchObject([{ status: 'success' }])
    expect(delivery.done.at(-1)).toBe('ack')
    rig.metrics[Symbol.dispose]()
  })

  test('and fails within the grace period is given back instead of being tried again', async () => {
    const gate = Promise.withResolvers<never>()
    const handler = probe(() => gate.promise, { retry: () => ({ maxAttempts: 5, backoffMs: 1, maxBackoffMs: 1 }) })
    const { rig, clock, delivery } = await draining(handler)
    const drained = rig.role.drain()
    await clock.advance(1)
    gate.reject(new JobError('HTTP_REQUEST_FAILED', 'It failed'))
    await drained
    expect(delivery.givenBack).toEqual([{ attempts: 1, accepted: true }])
    expect(rig.results.all).toEqual([])
    rig.metrics[Symbol.dispose]()
  })

  test.each(['none', 'idempotent'] as const)(
    'is interrupted after it and given back, uncharged, with effect %s',
    async (effect) => {
      let stoppedAt: number | undefined
      const handler = probe(
        async (_input, { signal, clock: time }) => {
          await aborted(signal)
          stoppedAt = time.monotonic()
          throw signal.reason
        },
        { effect: () => effect },
      )
      const { rig, clock, delivery } = await draining(handler)
      const startedAt = clock.monotonic()
      await rig.drain()
      expect(stoppedAt).toBe(startedAt + 3000)
      expect(delivery.givenBack).toEqual([{ attempts: 0, accepted: true }])
      expect([rig.results.all.length, (await rig.deadLetters()).length]).toEqual([0, 0])
      await rig[Symbol.asyncDispose]()
    },
  )

  test('with an effect that may have left is not run again: its outcome is unknown', async () => {
    const { rig, delivery } = await draining(probe(untilStopped, { effect: () => 'once' }))
    await rig.drain()
    expect(rig.resultsOf('a-1')).toMatchObject([
      {
        status: 'error',
        error_code: 'RESOURCE_UNAVAILABLE',
        retryable: false,
        error_details: { outcome: 'unknown' },
        attempts: 1,
      },
    ])
    expect(await rig.deadLetters()).toMatchObject([{ reason: 'INTERRUPTED', attempts: 1 }])
    expect(delivery.done).toEqual(['ack'])
    await rig[Symbol.asyncDispose]()
  })

  test('with an effect that certainly has not left is given back', async () => {
    const handler = probe(
      async (_input, { signal }) => {
        await aborted(signal)
        throw new JobError('HTTP_REQUEST_FAILED', 'Not sent', { unsent: true })
      },
      { effect: () => 'once' },
    )
    const { rig, delivery } = await draining(handler)
    await rig.drain()
    expect(delivery.givenBack).toEqual([{ attempts: 0, accepted: true }])
    await rig[Symbol.asyncDispose]()
  })

  test('and that nobody else takes ends as INTERRUPTED, with the attempt it had', async () => {
    const { rig, delivery } = await draining(probe(untilStopped), async () => false)
    await rig.drain()
    expect(rig.resultsOf('a-1')).toMatchObject([{ error_code: 'RESOURCE_UNAVAILABLE', retryable: true, attempts: 1 }])
    expect(await rig.deadLetters()).toMatchObject([{ reason: 'INTERRUPTED' }])
    expect(delivery.done).toEqual(['give back', 'ack'])
    await rig[Symbol.asyncDispose]()
  })
})

describe('the last words', () => {
  test('are a heartbeat that says draining, and one that says stopped', async () => {
    await using rig = await startRig({ clock: new FakeClock() })
    await rig.drain()
    expect(rig.heartbeats.all.map(({ wire }) => wire['status'])).toEqual(['idle', 'draining', 'stopped'])
  })

  test('of a result that cannot be published is a dead letter, not an endless wait', async () => {
    const clock = new FakeClock()
    await using rig = await startRig({
      clock,
      env: { SHUTDOWN_GRACE_MS: '1000' },
      wrap: (bus) => {
        const publish = bus.publish.bind(bus)
        // As when there is no connection: it waits until it is told not to.
        bus.publish = (message, signal) =>
          message.subject === 'caf.exec.result.v1' && signal !== undefined
            ? aborted(signal).then((reason) => Promise.reject(reason))
            : publish(message, signal)
        return bus
      },
    })
    rig.assign()
    await rig.ack('a-1')
    await rig.drain()
    expect(await rig.deadLetters()).toMatchObject([{ reason: 'PUBLISH_ERROR', result: { output: { n: 1 } } }])
  })
})
