import { describe, expect, test } from 'bun:test'
import { RetentionPolicy } from '@nats-io/jetstream'
import { bytes, Taken, text } from '../bus/taken.ts'
import { openTaker } from '../nats/fleet.ts'
import { addStream, observe } from '../nats/observer.ts'
import { openBus, ownNames } from '../nats/open-bus.ts'
import { openProxy } from '../nats/proxy.ts'
import { eventually } from '../support/eventually.ts'
import { hasNats, startNats } from '../support/nats-server.ts'

const jobs = 400

for (const version of ['newest', 'old'] as const)
  describe.if(hasNats(version))(`when the server is killed and started again (${version} server)`, () => {
    test('every job of a stream has its one result', async () => {
      await using server = await startNats({ version })
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
      await using server = await startNats({ version, jetstream: false })
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

    test('an ack that was on its way takes the message from the stream', async () => {
      await using server = await startNats({ version })
      const names = ownNames()
      await addStream(server.url, names.JETSTREAM_STREAM, [names.CAF_ASSIGN_SUBJECT])
      const { bus, taken } = await openTaker(server.url, names)
      await using _bus = bus
      await bus.publish({ subject: names.CAF_ASSIGN_SUBJECT, body: bytes('job') })
      const delivery = await taken.next()
      await server.kill()
      void delivery.ack()
      await eventually(() => !bus.connected)
      await server.restart()
      await eventually(() => bus.health().consumer === 'ok')
      // A server that forgot the delivery in the crash answers only for the next one.
      void taken.next().then((again) => again.ack())
      await using observer = await observe(server.url)
      await eventually(async () => (await observer.manager.streams.info(names.JETSTREAM_STREAM)).state.messages === 0)
    })
  })

for (const version of ['newest', 'old'] as const)
  for (const lost of ['the ack', 'its answer'])
    test.if(hasNats(version))(
      `when the connection breaks and ${lost} is lost, it is asked again (${version} server)`,
      async () => {
        await using server = await startNats({ version })
        const names = ownNames()
        await addStream(server.url, names.JETSTREAM_STREAM, [names.CAF_ASSIGN_SUBJECT])
        await using proxy = await openProxy(server.port)
        const { bus, taken } = await openTaker(proxy.url, names)
        await using _bus = bus
        await bus.publish({ subject: names.CAF_ASSIGN_SUBJECT, body: bytes('job') })
        const delivery = await taken.next()
        await using observer = await observe(server.url)
        const messages = async () => (await observer.manager.streams.info(names.JETSTREAM_STREAM)).state.messages
        if (lost === 'the ack') proxy.cut()
        else proxy.hold()
        const acked = delivery.ack()
        if (lost === 'its answer') await eventually(async () => (await messages()) === 0)
        proxy.cut()
        await eventually(() => !bus.connected)
        proxy.mend()
        await acked
        expect(await messages()).toBe(0)
        expect(bus.complaints.map(({ message }) => message)).not.toContain(
          'An ack was not confirmed; the job may be delivered again',
        )
      },
    )

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
