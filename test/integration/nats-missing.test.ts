import { describe, expect, test } from 'bun:test'
import { RetentionPolicy } from '@nats-io/jetstream'
import { bytes } from '../bus/taken.ts'
import { openTaker } from '../nats/fleet.ts'
import { addStream, observe } from '../nats/observer.ts'
import { ownNames } from '../nats/open-bus.ts'
import { openProxy } from '../nats/proxy.ts'
import { eventually } from '../support/eventually.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { hasNats, startNats } from '../support/nats-server.ts'

const bucket = 'KV_BEAMLINE_GIVE_BACKS'

for (const version of ['newest', 'old'] as const)
  describe.if(hasNats(version))(`what somebody deletes beside the assignments (${version} server)`, () => {
    test('the stream of results is made again at once, and the pull goes on undisturbed', async () => {
      await using server = await startNats({ version })
      const names = ownNames()
      const { bus, taken } = await openTaker(server.url, { ...names, JETSTREAM: 'require' })
      await using _bus = bus
      await using observer = await observe(server.url)
      const result = { subject: names.CAF_RESULT_SUBJECT, body: bytes('result') }
      await bus.publish(result)
      let pulls = 0
      observer.nats.subscribe('$JS.API.CONSUMER.MSG.NEXT.>', {
        callback: () => {
          pulls += 1
        },
      })
      await observer.nats.flush()
      await observer.manager.streams.delete('CAF_RESULTS')
      const error = await bus.publish(result).catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ reason: 'no-responders' })
      await eventually(() => observer.manager.streams.info('CAF_RESULTS'))
      await eventually(() =>
        bus.publish(result).then(
          () => true,
          () => false,
        ),
      )
      expect((await observer.manager.streams.info('CAF_RESULTS')).state.messages).toBe(1)
      expect(bus.health().consumer).toBe('ok')
      expect(pulls).toBe(0)
      await bus.publish({ subject: names.CAF_ASSIGN_SUBJECT, body: bytes('job') })
      await (await taken.next()).ack()
    })

    test('both are made again in time where nothing is published', async () => {
      await using server = await startNats({ version })
      const clock = new FakeClock()
      const { bus } = await openTaker(server.url, { ...ownNames(), JETSTREAM: 'require' }, { clock })
      await using _bus = bus
      await using observer = await observe(server.url)
      for (const stream of ['CAF_RESULTS', bucket]) await observer.manager.streams.delete(stream)
      await clock.advance(30_000)
      for (const stream of ['CAF_RESULTS', bucket]) await eventually(() => observer.manager.streams.info(stream))
      await eventually(() => bus.health().consumer === 'ok')
    })

    test('the bucket is made again by the give-back that needs it', async () => {
      await using server = await startNats({ version })
      const names = ownNames()
      await addStream(server.url, names.JETSTREAM_STREAM, [names.CAF_ASSIGN_SUBJECT])
      const { bus, taken } = await openTaker(server.url, names)
      await using _bus = bus
      await using observer = await observe(server.url)
      await bus.publish({ subject: names.CAF_ASSIGN_SUBJECT, body: bytes('job') })
      const delivery = await taken.next()
      await observer.manager.streams.delete(bucket)
      expect(await delivery.giveBack({ delayMs: 1, attempts: 2 })).toBe(true)
      const again = await taken.next()
      expect(await again.history()).toEqual({ giveBacks: 1, attempts: 2 })
      await observer.manager.streams.delete(bucket)
      expect(await again.giveBack({ delayMs: 1 })).toBe(true)
      const third = await taken.next()
      await observer.manager.streams.delete(bucket)
      // What was written down is lost with the bucket, and that is known for certain.
      expect(await third.history()).toEqual({ giveBacks: 0, attempts: 0 })
      await third.ack()
      expect(bus.complaints).toEqual([])
    })
  })

test('a look that the connection takes with it does not hold up the next', async () => {
  await using server = await startNats()
  const names = ownNames()
  await addStream(server.url, names.JETSTREAM_STREAM, [names.CAF_ASSIGN_SUBJECT], RetentionPolicy.Workqueue)
  await using proxy = await openProxy(server.port)
  const clock = new FakeClock()
  const { bus } = await openTaker(proxy.url, names, { clock })
  await using _bus = bus
  proxy.hold()
  await clock.advance(30_000)
  proxy.cut()
  await eventually(() => !bus.connected)
  proxy.mend()
  // Questions to JetStream wait for an answer for five seconds.
  await eventually(() => bus.health().consumer === 'ok', { timeoutMs: 2_500 })
})
