import { describe, expect, test } from 'bun:test'
import { AckPolicy } from '@nats-io/jetstream'
import { bytes, Taken, text } from '../bus/taken.ts'
import { openTaker } from '../nats/fleet.ts'
import { addStream, observe } from '../nats/observer.ts'
import { openBus, ownNames } from '../nats/open-bus.ts'
import { openProxy } from '../nats/proxy.ts'
import { eventually } from '../support/eventually.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { hasNats, startNats } from '../support/nats-server.ts'

/** How soon the bus asks for what is not ready. */
const askAgainMs = 1_000

/** Lets the clock run until something that the server has a part in has come true. */
async function clockUntil(clock: FakeClock, stepMs: number, check: () => boolean): Promise<void> {
  await eventually(async () => {
    await clock.advance(stepMs)
    return check()
  })
}

for (const version of ['newest', 'old'] as const)
  describe.if(hasNats(version))(`what goes while the worker runs (${version} server)`, () => {
    test('a stream that disappears means not ready, never core, and is taken from again when it is back', async () => {
      await using server = await startNats({ version })
      const names = ownNames()
      await addStream(server.url, names.JETSTREAM_STREAM, [names.CAF_ASSIGN_SUBJECT])
      const { bus, taken } = await openTaker(server.url, names)
      await using _bus = bus
      await bus.publish({ subject: names.CAF_ASSIGN_SUBJECT, body: bytes('old') })
      const old = await taken.next()
      await using observer = await observe(server.url)
      await observer.manager.streams.delete(names.JETSTREAM_STREAM)
      await eventually(() => bus.health().consumer !== 'ok')
      expect(bus.mode).not.toBe('core')
      // What is held exists nowhere else now.
      await eventually(() => bus.health().consumer === 'no stream captures the assignments')
      expect(await old.giveBack()).toBe(false)
      await addStream(server.url, names.JETSTREAM_STREAM, [names.CAF_ASSIGN_SUBJECT])
      await eventually(() => bus.health().consumer === 'ok')
      expect(bus.mode).toBe('jetstream')
      await bus.publish({ subject: names.CAF_ASSIGN_SUBJECT, body: bytes('new') })
      const fresh = await taken.next()
      expect(fresh.sequence).not.toBe(old.sequence)
      // Both have sequence 1 in a stream of the same name: the old ack must not take the new message.
      await old.ack()
      old.extend()
      expect((await observer.manager.streams.info(names.JETSTREAM_STREAM)).state.messages).toBe(1)
      await fresh.ack()
      await eventually(async () => (await observer.manager.streams.info(names.JETSTREAM_STREAM)).state.messages === 0)
    })

    test('a stream that was made anew during an outage loses nothing to acks of the old one', async () => {
      await using server = await startNats({ version })
      const names = ownNames()
      await addStream(server.url, names.JETSTREAM_STREAM, [names.CAF_ASSIGN_SUBJECT])
      await using proxy = await openProxy(server.port)
      const { bus, taken } = await openTaker(proxy.url, names)
      await using _bus = bus
      await bus.publish({ subject: names.CAF_ASSIGN_SUBJECT, body: bytes('old') })
      const old = await taken.next()
      proxy.cut()
      await eventually(() => !bus.connected)
      const acked = old.ack()
      await using observer = await observe(server.url)
      await observer.manager.streams.delete(names.JETSTREAM_STREAM)
      await addStream(server.url, names.JETSTREAM_STREAM, [names.CAF_ASSIGN_SUBJECT])
      observer.nats.publish(names.CAF_ASSIGN_SUBJECT, 'new')
      await observer.nats.flush()
      proxy.mend()
      await acked
      const fresh = await taken.next()
      expect(text(fresh)).toBe('new')
      expect((await observer.manager.streams.info(names.JETSTREAM_STREAM)).state.messages).toBe(1)
      await fresh.ack()
    })

    test('a consumer that is deleted is made again, and what is held can still be acked', async () => {
      await using server = await startNats({ version })
      const names = ownNames()
      await addStream(server.url, names.JETSTREAM_STREAM, [names.CAF_ASSIGN_SUBJECT])
      const { bus, taken } = await openTaker(server.url, names)
      await using _bus = bus
      await bus.publish({ subject: names.CAF_ASSIGN_SUBJECT, body: bytes('held') })
      const held = await taken.next()
      await using observer = await observe(server.url)
      await observer.manager.consumers.delete(names.JETSTREAM_STREAM, 'caf-workers')
      await eventually(async () => (await observer.manager.consumers.info(names.JETSTREAM_STREAM, 'caf-workers')).name)
      const again = await taken.next()
      expect(again.sequence).toBe(held.sequence)
      await again.ack()
      await held.ack()
      await eventually(() => bus.health().consumer === 'ok')
      await bus.publish({ subject: names.CAF_ASSIGN_SUBJECT, body: bytes('next') })
      const next = await taken.next()
      expect(text(next)).toBe('next')
      await next.ack()
      expect((await observer.manager.streams.info(names.JETSTREAM_STREAM)).state.messages).toBe(0)
    })

    test('a full window notices too that its consumer has gone', async () => {
      await using server = await startNats({ version })
      const names = ownNames()
      await addStream(server.url, names.JETSTREAM_STREAM, [names.CAF_ASSIGN_SUBJECT])
      const clock = new FakeClock()
      const { bus, taken } = await openTaker(server.url, names, { window: 1, clock })
      await using _bus = bus
      await bus.publish({ subject: names.CAF_ASSIGN_SUBJECT, body: bytes('held') })
      const held = await taken.next()
      await using observer = await observe(server.url)
      await observer.manager.consumers.delete(names.JETSTREAM_STREAM, 'caf-workers')
      await clockUntil(clock, askAgainMs, () =>
        bus.complaints.some(({ fields }) => fields?.context?.['reason'] === 'the consumer is gone'),
      )
      await clockUntil(clock, askAgainMs, () => bus.health().consumer === 'ok')
      // A new server does not answer for what its new consumer has not delivered yet; then that delivery comes and is acked.
      let acked = false
      const acking = held.ack().then(() => {
        acked = true
      })
      await clockUntil(clock, askAgainMs, () => acked || taken.all.length === 2)
      for (const again of taken.all.slice(1)) {
        expect(again.sequence).toBe(held.sequence)
        await again.ack()
      }
      await clockUntil(clock, askAgainMs, () => acked)
      await acking
      expect((await observer.manager.streams.info(names.JETSTREAM_STREAM)).state.messages).toBe(0)
    })

    test('a consumer that others made is used as it is, or not at all', async () => {
      await using server = await startNats({ version })
      const wrong = ownNames()
      await addStream(server.url, wrong.JETSTREAM_STREAM, [wrong.CAF_ASSIGN_SUBJECT])
      await using observer = await observe(server.url)
      const push = { durable_name: 'caf-workers', ack_policy: AckPolicy.Explicit, deliver_subject: 'somewhere' }
      await observer.manager.consumers.add(wrong.JETSTREAM_STREAM, push)
      await using refused = await openBus(server.url, { env: wrong })
      new Taken(refused)
      await eventually(() => refused.health().consumer.includes('pull consumer is needed'))

      const limited = ownNames()
      await addStream(server.url, limited.JETSTREAM_STREAM, [limited.CAF_ASSIGN_SUBJECT])
      await observer.manager.consumers.add(limited.JETSTREAM_STREAM, {
        durable_name: 'caf-workers',
        ack_policy: AckPolicy.Explicit,
        ack_wait: 9_000_000_000,
        max_batch: 2,
        max_expires: 1_000_000_000,
        max_deliver: 3,
      })
      const { bus, taken } = await openTaker(server.url, limited)
      await using _bus = bus
      for (let n = 0; n < 8; n += 1) await bus.publish({ subject: limited.CAF_ASSIGN_SUBJECT, body: bytes(`job ${n}`) })
      for (let n = 0; n < 8; n += 1) {
        const delivery = await taken.next()
        expect(delivery.leaseMs).toBe(9_000)
        await delivery.ack()
      }
      expect(bus.complaints.map(({ message }) => message)).toContainEqual(expect.stringContaining('stops delivering'))
    })
  })
