/** What every bus promises to the roles, whatever carries the messages. */
import { describe, expect, test } from 'bun:test'
import type { Delivery, Received } from '../../src/bus/bus.ts'
import { bytes, text } from '../bus/taken.ts'
import { eventually } from '../support/eventually.ts'
import { type BusWorld, rejection, taking } from './bus-world.ts'
import { pauseContract } from './pause.contract.ts'

/** Runs the contract over the worlds that `enter` makes. */
export function busContract(name: string, enter: () => Promise<BusWorld>): void {
  const someSubject = 'contract.some'

  describe(`${name}: assignments`, () => {
    test('arrive with their bytes and headers, and are gone when acked', async () => {
      await using world = await enter()
      const [bus, taken] = await taking(world)
      await bus.publish({ subject: world.assignSubject, body: bytes('{"a":"ä"}'), headers: { trace_id: 'x-1' } })
      const delivery = await taken.next()
      expect(text(delivery)).toBe('{"a":"ä"}')
      expect(delivery.headers['trace_id']).toBe('x-1')
      expect(delivery.subject).toBe(world.assignSubject)
      expect(delivery.deliveries).toBe(1)
      expect(delivery.alreadyAccepted).toBe(false)
      expect(await delivery.history()).toEqual({ giveBacks: 0, attempts: 0 })
      expect(delivery.sequence !== undefined).toBe(world.stored)
      expect(delivery.leaseMs !== undefined).toBe(world.stored)
      delivery.extend()
      await delivery.ack()
      delivery.extend()
      await taken.intake.stop()
      expect(taken.all).toHaveLength(1)
    })

    test('go to one of several takers each', async () => {
      await using world = await enter()
      const seen = new Map<string, number>()
      const count = (delivery: Delivery): void => {
        seen.set(text(delivery), (seen.get(text(delivery)) ?? 0) + 1)
        void delivery.ack()
      }
      const [bus] = await taking(world, count)
      await taking(world, count)
      await taking(world, count)
      for (let n = 0; n < 200; n += 1) bus.emit({ subject: world.assignSubject, body: bytes(`job ${n}`) })
      await eventually(() => seen.size === 200)
      expect([...seen.values()].every((times) => times === 1)).toBe(true)
    })

    test('are never more than the window, and go on when one is settled', async () => {
      await using world = await enter()
      const [bus, taken] = await taking(world)
      expect(taken.intake.window).toBe(world.window)
      const { window } = world
      if (window === undefined) return
      for (let n = 0; n < 3 * window; n += 1)
        await bus.publish({ subject: world.assignSubject, body: bytes(`job ${n}`) })
      let held = 0
      let most = 0
      for (let n = 0; n < 3 * window; n += 1) {
        const delivery = await taken.next()
        held = taken.all.length - n
        most = Math.max(most, held)
        await delivery.ack()
      }
      expect(most).toBeLessThanOrEqual(window)
      expect(most).toBeGreaterThan(1)
    })

    test('that are given back go to another worker as they were, with what was written down', async () => {
      await using world = await enter()
      const [bus, first] = await taking(world)
      await bus.publish({
        subject: world.assignSubject,
        body: bytes('to go back'),
        headers: { trace_id: 't', 'Nats-Msg-Id': 'mine' },
      })
      const delivery = await first.next()
      const [, second] = await taking(world)
      await first.intake.stop()
      expect(await delivery.giveBack({ attempts: 2, accepted: true })).toBe(true)
      const again = await second.next()
      expect(text(again)).toBe('to go back')
      expect(again.headers['trace_id']).toBe('t')
      const { attempts, giveBacks } = await again.history()
      expect(attempts).toBe(2)
      expect(again.deliveries - 1 - giveBacks).toBe(0)
      if (world.stored) expect(again.sequence).toBe(delivery.sequence)
      else {
        expect(again.alreadyAccepted).toBe(true)
        expect(again.headers['Nats-Msg-Id']).toBeUndefined()
      }
      await again.ack()
      expect(first.all).toHaveLength(1)
    })

    test('that are given back may be as large as any', async () => {
      await using world = await enter()
      const [bus, first] = await taking(world)
      const body = new Uint8Array(bus.maxPayload)
      await bus.publish({ subject: world.assignSubject, body })
      const delivery = await first.next()
      const [, second] = await taking(world)
      await first.intake.stop()
      // Without room for a count it could go round for ever among full workers.
      if (!world.stored) expect(await delivery.reoffer({ accepted: false })).toBe(false)
      expect(await delivery.giveBack({ attempts: 1, accepted: true })).toBe(true)
      const again = await second.next()
      expect(again.body.byteLength).toBe(body.byteLength)
      await again.ack()
    })

    test('that nobody else can take stay with their holder, unless a stream keeps them', async () => {
      await using world = await enter()
      const [bus, taken] = await taking(world)
      await bus.publish({ subject: world.assignSubject, body: bytes('alone') })
      const delivery = await taken.next()
      await taken.intake.stop()
      expect(await delivery.giveBack()).toBe(world.stored)
      if (!world.stored) return
      const [, next] = await taking(world)
      expect(text(await next.next())).toBe('alone')
    })

    test('are offered to the others three times at most where nothing is stored', async () => {
      await using world = await enter()
      if (world.stored) return
      const offers: Promise<boolean>[] = []
      const full = (delivery: Delivery): void => {
        offers.push(delivery.reoffer({ accepted: offers.length > 0 }))
      }
      const [bus, first] = await taking(world, full)
      const [, second] = await taking(world, full)
      await bus.publish({ subject: world.assignSubject, body: bytes('nobody has room') })
      await eventually(() => offers.length === 4)
      expect(await Promise.all(offers)).toEqual([true, true, true, false])
      await first.intake.stop()
      await second.intake.stop()
      const seen = [...first.all, ...second.all]
      expect(seen).toHaveLength(4)
      expect(seen.every((delivery) => text(delivery) === 'nobody has room')).toBe(true)
      expect(seen.filter((delivery) => delivery.alreadyAccepted)).toHaveLength(2)
    })

    test('do not arrive after stop has resolved', async () => {
      await using world = await enter()
      const [, first] = await taking(world)
      const [bus, second] = await taking(world)
      await first.intake.stop()
      const before = first.all.length
      for (let n = 0; n < 50; n += 1) bus.emit({ subject: world.assignSubject, body: bytes(`job ${n}`) })
      const window = world.window ?? 50
      for (let n = 0; n < Math.min(50, window); n += 1) await (await second.next()).ack()
      expect(first.all).toHaveLength(before)
    })
  })

  describe(`${name}: messages`, () => {
    test('reach every subscriber in order, with their headers', async () => {
      await using world = await enter()
      const [one, two] = [await world.open(), await world.open()]
      const heard: Received[] = []
      one.subscribe(someSubject, (message) => heard.push(message))
      two.subscribe(someSubject, (message) => heard.push(message))
      await Promise.all([one.flush(), two.flush()])
      await two.publish({ subject: someSubject, body: bytes('1'), headers: { version: '1' } })
      two.emit({ subject: someSubject, body: bytes('2') })
      await eventually(() => heard.length === 4)
      expect(heard.map(text).join('')).toMatch(/^(1122|1212)$/)
      expect(heard[0]?.headers['version']).toBe('1')
    })

    test('are not published when nobody listens', async () => {
      await using world = await enter()
      const bus = await world.open()
      const error = await rejection(bus.publish({ subject: 'contract.nobody', body: bytes('lost?') }))
      expect(error).toMatchObject({ name: 'PublishError', reason: 'no-responders' })
    })

    test('are answered, by whoever hears them and has something to say', async () => {
      await using world = await enter()
      const [one, two] = [await world.open(), await world.open()]
      one.subscribe(someSubject, (message) => message.respond(bytes(`${text(message)}!`)))
      two.subscribe(someSubject, () => undefined)
      await Promise.all([one.flush(), two.flush()])
      const answer = await two.request({ subject: someSubject, body: bytes('well') }, 2000)
      expect(new TextDecoder().decode(answer)).toBe('well!')
      expect(await two.request({ subject: 'contract.nobody', body: bytes('lost?') }, 2000)).toBeUndefined()
      two.subscribe('contract.silent', () => undefined)
      await two.flush()
      expect(await one.request({ subject: 'contract.silent', body: bytes('well') }, 20)).toBeUndefined()
    })

    test('are heard no more by a subscription that was stopped', async () => {
      await using world = await enter()
      const bus = await world.open()
      let heard = 0
      const subscription = bus.subscribe(someSubject, () => {
        heard += 1
      })
      await bus.publish({ subject: someSubject, body: bytes('1') })
      await eventually(() => heard === 1)
      await subscription.stop()
      expect(await rejection(bus.publish({ subject: someSubject, body: bytes('2') }))).toMatchObject({
        reason: 'no-responders',
      })
      expect(heard).toBe(1)
    })

    test('that are too large are refused, and the largest is not', async () => {
      await using world = await enter()
      const bus = await world.open()
      let size = 0
      bus.subscribe(someSubject, ({ body }) => {
        size = body.byteLength
      })
      await bus.flush()
      const headers = { version: '1' }
      const room = bus.maxPayload - 'NATS/1.0\r\nversion: 1\r\n\r\n'.length
      expect(
        await rejection(bus.publish({ subject: someSubject, body: new Uint8Array(room + 1), headers })),
      ).toMatchObject({ reason: 'too-large' })
      await bus.publish({ subject: someSubject, body: new Uint8Array(room), headers })
      await eventually(() => size === room)
    })

    test('are not published once the signal has aborted', async () => {
      await using world = await enter()
      const bus = await world.open()
      const reason = new Error('too late')
      expect(await rejection(bus.publish({ subject: someSubject, body: bytes('x') }, AbortSignal.abort(reason)))).toBe(
        reason,
      )
      expect(await rejection(bus.flush(AbortSignal.abort(reason)))).toBe(reason)
    })

    test('are refused by a closed bus', async () => {
      await using world = await enter()
      const bus = await world.open()
      expect(bus.connected).toBe(true)
      await bus[Symbol.asyncDispose]()
      expect(bus.connected).toBe(false)
      expect(await rejection(bus.publish({ subject: someSubject, body: bytes('x') }))).toMatchObject({
        reason: 'closed',
      })
      bus.emit({ subject: someSubject, body: bytes('x') })
    })
  })

  pauseContract(name, enter)
}
