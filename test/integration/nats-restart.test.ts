import { describe, expect, test } from 'bun:test'
import { RetentionPolicy } from '@nats-io/jetstream'
import { bytes, Taken, text } from '../bus/taken.ts'
import { openTaker } from '../nats/fleet.ts'
import { addStream, observe } from '../nats/observer.ts'
import { openBus, ownNames } from '../nats/open-bus.ts'
import { eventually } from '../support/eventually.ts'
import { startNats } from '../support/nats-server.ts'

const jobs = 400

describe('when the server is killed and started again', () => {
  test('every job of a stream has its one result', async () => {
    await using server = await startNats()
    const names = ownNames()
    await addStream(server.url, names.JETSTREAM_STREAM, [names.CAF_ASSIGN_SUBJECT])
    const results = `RESULTS_${names.JETSTREAM_STREAM}`
    await addStream(server.url, results, [names.CAF_RESULT_SUBJECT], RetentionPolicy.Limits)
    const ended = new Set<string>()
    const env = { ...names, ACK_WAIT_MS: '2000' }
    await using worker = await openBus(server.url, { env })
    let acks = 0
    worker.take((delivery) => {
      void (async () => {
        const id = text(delivery)
        if (!ended.has(id)) {
          const headers = { 'Nats-Msg-Id': id }
          await worker.publish({ subject: names.CAF_RESULT_SUBJECT, body: delivery.body, headers })
          ended.add(id)
        }
        await delivery.ack()
        acks += 1
      })()
    })
    await using caller = await openBus(server.url, { env })
    await eventually(() => worker.health().consumer === 'ok' && caller.connected)
    const submitted: Promise<void>[] = []
    for (let n = 0; n < jobs; n += 1) {
      submitted.push(
        caller.publish({
          subject: names.CAF_ASSIGN_SUBJECT,
          body: bytes(`job ${n}`),
          headers: { 'Nats-Msg-Id': `a${n}` },
        }),
      )
      if (n % 100 !== 50) continue
      await eventually(() => worker.connected && ended.size > n / 2)
      await server.kill()
      await eventually(() => !worker.connected && worker.health().nats !== 'ok' && worker.health().consumer !== 'ok')
      await server.restart()
    }
    await Promise.all(submitted)
    await eventually(() => ended.size === jobs && worker.health().consumer === 'ok')
    await using observer = await observe(server.url)
    await eventually(async () => {
      const { num_pending, num_ack_pending } = await observer.manager.consumers.info(
        names.JETSTREAM_STREAM,
        'caf-workers',
      )
      return num_pending === 0 && num_ack_pending === 0
    })
    const { state } = await observer.manager.streams.info(results)
    expect(state.messages).toBe(jobs)
    expect(acks).toBeGreaterThanOrEqual(jobs)
    expect(worker.reconnects).toBe(jobs / 100)
  }, 60_000)

  test('core assignments go on, what was emitted meanwhile arrives, and a publish waits', async () => {
    await using server = await startNats({ jetstream: false })
    const names = ownNames()
    const { bus, taken } = await openTaker(server.url, names)
    await using _bus = bus
    await server.kill()
    await eventually(() => !bus.connected)
    bus.emit({ subject: names.CAF_ASSIGN_SUBJECT, body: bytes('emitted') })
    const published = bus.publish({ subject: names.CAF_ASSIGN_SUBJECT, body: bytes('published') })
    const flushed = bus.flush()
    const given = new AbortController()
    const reason = new Error('waited long enough')
    const abandoned = bus.publish({ subject: names.CAF_ASSIGN_SUBJECT, body: bytes('never') }, given.signal)
    given.abort(reason)
    expect(await abandoned.catch((error: unknown) => error)).toBe(reason)
    expect(taken.all).toEqual([])
    await server.restart()
    await Promise.all([published, flushed])
    const arrived = [await taken.next(), await taken.next()]
    expect(arrived.map(text).sort()).toEqual(['emitted', 'published'])
    await taken.intake.stop()
    expect(taken.all).toHaveLength(2)
  })

  test('an ack that was on its way is asked for again', async () => {
    await using server = await startNats()
    const names = ownNames()
    await addStream(server.url, names.JETSTREAM_STREAM, [names.CAF_ASSIGN_SUBJECT])
    const { bus, taken } = await openTaker(server.url, names)
    await using _bus = bus
    await bus.publish({ subject: names.CAF_ASSIGN_SUBJECT, body: bytes('job') })
    const delivery = await taken.next()
    await server.kill()
    const acked = delivery.ack()
    await eventually(() => !bus.connected)
    await server.restart()
    await acked
    await using observer = await observe(server.url)
    expect((await observer.manager.streams.info(names.JETSTREAM_STREAM)).state.messages).toBe(0)
  })
})

test('a bus opens before its server does, and says so', async () => {
  const names = ownNames()
  const first = await startNats()
  const { port, url } = first
  await first[Symbol.asyncDispose]()
  await using bus = await openBus(url, { env: names })
  const taken = new Taken(bus)
  await eventually(() => bus.health().nats === 'connection refused')
  expect(bus.connected).toBe(false)
  expect(bus.mode).toBe('unknown')
  expect(bus.health().consumer).not.toBe('ok')
  const published = bus.publish({ subject: names.CAF_ASSIGN_SUBJECT, body: bytes('early') })
  await using _server = await startNats({ port })
  await published.catch(() => undefined)
  await eventually(() => bus.health().consumer === 'ok')
  expect(bus.mode).toBe('core')
  await bus.publish({ subject: names.CAF_ASSIGN_SUBJECT, body: bytes('job') })
  expect(['early', 'job']).toContain(text(await taken.next()))
})

test('closing ends what waits for a server that never comes', async () => {
  const server = await startNats()
  const { url } = server
  await server[Symbol.asyncDispose]()
  const bus = await openBus(url, { env: ownNames() })
  const taken = new Taken(bus)
  const published = bus.publish({ subject: 'x', body: bytes('x') }).catch((error: unknown) => error)
  const flushed = bus.flush().then(
    () => 'flushed',
    () => 'gave up',
  )
  await taken.intake.stop()
  await bus[Symbol.asyncDispose]()
  expect(await published).toMatchObject({ reason: 'closed' })
  expect(await flushed).toBe('gave up')
})
