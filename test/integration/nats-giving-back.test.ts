import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { text } from '../bus/taken.ts'
import { consumerOf, openTaker } from '../nats/fleet.ts'
import { addStream, observe } from '../nats/observer.ts'
import { ownNames } from '../nats/open-bus.ts'
import { openProxy } from '../nats/proxy.ts'
import { eventually } from '../support/eventually.ts'
import { hasNats, type NatsServer, startNats } from '../support/nats-server.ts'

for (const version of ['newest', 'old'] as const) {
  describe.if(hasNats(version))(`giving back to a stream (${version} server)`, () => {
    let server: NatsServer

    beforeAll(async () => {
      server = await startNats({ version })
    })

    afterAll(() => server[Symbol.asyncDispose]())

    async function fleet(count: number): Promise<ReturnType<typeof ownNames>> {
      const names = ownNames()
      await addStream(server.url, names.JETSTREAM_STREAM, [names.CAF_ASSIGN_SUBJECT])
      await using observer = await observe(server.url)
      for (let n = 0; n < count; n += 1) observer.nats.publish(names.CAF_ASSIGN_SUBJECT, `job ${n}`)
      await observer.nats.flush()
      return names
    }

    test('a worker that stops gets nothing of it back, and the next gets all of it at once', async () => {
      const names = await fleet(12)
      const first = await openTaker(server.url, names, { window: 16 })
      await using _first = first.bus
      const held = await Promise.all(Array.from({ length: 12 }, () => first.taken.next()))
      await first.taken.intake.stop()
      expect(await Promise.all(held.map((delivery) => delivery.giveBack()))).toEqual(held.map(() => true))
      const second = await openTaker(server.url, names, { window: 16 })
      await using _second = second.bus
      // ack_wait is 30 s: a message that the server kept for the first worker would not come within this test.
      const again = await Promise.all(Array.from({ length: 12 }, () => second.taken.next()))
      expect(again.map(text).sort()).toEqual(held.map(text).sort())
      expect(new Set(again.map(({ deliveries }) => deliveries))).toEqual(new Set([2]))
      expect(first.taken.all).toHaveLength(12)
      await Promise.all(again.map((delivery) => delivery.ack()))
      expect(await consumerOf(server.url, names)).toMatchObject({ num_ack_pending: 0, num_pending: 0 })
    })

    test('goes to a worker that is there, without a bounce', async () => {
      const names = await fleet(8)
      const first = await openTaker(server.url, names, { window: 8 })
      await using _first = first.bus
      const held = await Promise.all(Array.from({ length: 8 }, () => first.taken.next()))
      const second = await openTaker(server.url, names, { window: 16 })
      await using _second = second.bus
      await first.taken.intake.stop()
      await Promise.all(held.map((delivery) => delivery.giveBack()))
      const again = await Promise.all(Array.from({ length: 8 }, () => second.taken.next()))
      expect(again.map(({ deliveries }) => deliveries)).toEqual(again.map(() => 2))
      await Promise.all(again.map((delivery) => delivery.ack()))
      expect(first.taken.all).toHaveLength(8)
    })

    test('ten times is no strike, and what was written down goes when the job is acked', async () => {
      const names = await fleet(1)
      for (let holder = 1; holder <= 10; holder += 1) {
        const { bus, taken } = await openTaker(server.url, names)
        await using _bus = bus
        const delivery = await taken.next()
        const history = await delivery.history()
        expect(delivery.deliveries).toBe(holder)
        expect(history).toEqual({ giveBacks: holder - 1, attempts: holder === 1 ? 0 : 3 })
        await taken.intake.stop()
        expect(await delivery.giveBack({ attempts: 3 })).toBe(true)
      }
      const { bus, taken } = await openTaker(server.url, names)
      await using _bus = bus
      const delivery = await taken.next()
      expect(await delivery.history()).toEqual({ giveBacks: 10, attempts: 3 })
      await delivery.ack()
      await using observer = await observe(server.url)
      const { state } = await observer.manager.streams.info('KV_BEAMLINE_GIVE_BACKS', { subjects_filter: '>' })
      const keys = Object.keys(state.subjects ?? {})
      const token = Buffer.from(names.JETSTREAM_STREAM).toString('base64url')
      for (const key of keys.filter((subject) => subject.includes(token))) {
        const { header } =
          (await observer.manager.streams.getMessage('KV_BEAMLINE_GIVE_BACKS', { last_by_subj: key })) ?? {}
        expect(header?.get('KV-Operation')).toBe('PURGE')
      }
    })

    test('is said once, even when the answer is lost: by then another worker has it', async () => {
      const names = await fleet(1)
      await using proxy = await openProxy(server.port)
      const first = await openTaker(proxy.url, names)
      await using _first = first.bus
      const delivery = await first.taken.next()
      const second = await openTaker(server.url, names)
      await using _second = second.bus
      await using observer = await observe(server.url)
      let naks = 0
      observer.nats.subscribe('$JS.ACK.>', {
        callback: (_error, message) => {
          if (message.string().startsWith('-NAK')) naks += 1
        },
      })
      await observer.nats.flush()
      await first.taken.intake.stop()
      await first.bus.flush()
      proxy.rewrite(/-NAK/g, (said) => {
        proxy.hold()
        return said
      })
      const given = delivery.giveBack()
      const again = await second.taken.next()
      proxy.cut()
      await eventually(() => !first.bus.connected)
      proxy.mend()
      expect(await given).toBe(true)
      await eventually(() => first.bus.connected)
      await first.bus.flush()
      await observer.nats.flush()
      expect(naks).toBe(1)
      expect(again.deliveries).toBe(2)
      expect(await again.history()).toEqual({ giveBacks: 1, attempts: 0 })
      await again.ack()
    })

    test('with a delay keeps it away for so long', async () => {
      const names = await fleet(1)
      const { bus, taken } = await openTaker(server.url, names)
      await using _bus = bus
      const delivery = await taken.next()
      const from = performance.now()
      expect(await delivery.giveBack({ delayMs: 300, attempts: 1 })).toBe(true)
      const again = await taken.next()
      expect(performance.now() - from).toBeGreaterThan(250)
      expect(await again.history()).toEqual({ giveBacks: 1, attempts: 1 })
      expect(again.sequence).toBe(delivery.sequence)
      await again.ack()
    })

    test('that is lost with its holder counts, and its lease is the one of the consumer', async () => {
      const names = await fleet(1)
      const env = { ...names, ACK_WAIT_MS: '1000' }
      const { bus, taken } = await openTaker(server.url, env)
      const delivery = await taken.next()
      expect(delivery.leaseMs).toBe(1000)
      await bus[Symbol.asyncDispose]()
      const second = await openTaker(server.url, { ...names, ACK_WAIT_MS: '60000' })
      await using _bus = second.bus
      const again = await second.taken.next()
      expect(again.leaseMs).toBe(1000)
      expect(again.deliveries).toBe(2)
      expect(await again.history()).toEqual({ giveBacks: 0, attempts: 0 })
      await again.ack()
    })

    test('extending keeps a delivery, and a redelivery of what is held is the same message', async () => {
      const names = await fleet(1)
      const { bus, taken } = await openTaker(server.url, { ...names, ACK_WAIT_MS: '1000' })
      await using _bus = bus
      const delivery = await taken.next()
      const from = performance.now()
      await eventually(
        () => {
          delivery.extend()
          return performance.now() - from > 2_000
        },
        { everyMs: 100 },
      )
      expect(taken.all).toHaveLength(1)
      const again = await taken.next()
      expect(again.sequence).toBe(delivery.sequence)
      expect(again.deliveries).toBe(2)
      await delivery.ack()
      expect(await consumerOf(server.url, names)).toMatchObject({ num_ack_pending: 0, num_pending: 0 })
    })
  })
}
