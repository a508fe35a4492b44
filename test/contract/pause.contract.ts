/** What a pause of the intake promises, whatever carries the messages. */
import { describe, expect, test } from 'bun:test'
import { PublishError } from '../../src/bus/bus.ts'
import { bytes } from '../bus/taken.ts'
import { eventually } from '../support/eventually.ts'
import { type BusWorld, rejection, taking } from './bus-world.ts'

/** Part of the contract of every bus. */
export function pauseContract(name: string, enter: () => Promise<BusWorld>): void {
  describe(`${name}: a pause`, () => {
    test('leaves assignments to the others, and ends', async () => {
      await using world = await enter()
      const [paused, first] = await taking(world)
      const [bus, second] = await taking(world)
      first.intake.pause()
      expect(paused.health().consumer).toBe('paused')
      await paused.flush()
      for (let n = 0; n < 10; n += 1) bus.emit({ subject: world.assignSubject, body: bytes(`job ${n}`) })
      // What was asked for before may still come where the bus is pulled.
      await eventually(() => first.all.length + second.all.length === 10)
      if (!world.stored) expect(first.all).toEqual([])
      await Promise.all([...first.all, ...second.all].map((delivery) => delivery.ack()))
      const before = first.all.length
      first.intake.resume()
      expect(paused.health().consumer).toBe('ok')
      await paused.flush()
      await second.intake.stop()
      await bus.publish({ subject: world.assignSubject, body: bytes('afterwards') })
      await eventually(() => first.all.length === before + 1)
    })

    test('loses nothing of what was on its way', async () => {
      await using world = await enter()
      const [, taken] = await taking(world)
      const bus = await world.open()
      for (let n = 0; n < 10; n += 1) bus.emit({ subject: world.assignSubject, body: bytes(`job ${n}`) })
      await bus.flush()
      taken.intake.pause()
      taken.intake.pause()
      await eventually(() => taken.all.length === 10)
      if (world.stored) return
      await eventually(async () => {
        const error = await rejection(bus.publish({ subject: world.assignSubject, body: bytes('nobody') }))
        return error instanceof PublishError && error.reason === 'no-responders'
      })
    })

    test('that lasts until the stop does not end after it', async () => {
      await using world = await enter()
      const [bus, taken] = await taking(world)
      taken.intake.pause()
      await taken.intake.stop()
      taken.intake.resume()
      await bus.flush()
      const before = taken.all.length
      await rejection(bus.publish({ subject: world.assignSubject, body: bytes('too late') }))
      await bus.flush()
      expect(taken.all).toHaveLength(before)
    })
  })
}
