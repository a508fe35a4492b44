import { describe, expect, test } from 'bun:test'
import { Slots } from '../../src/worker/slots.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { makeJob } from './make-job.ts'

function openSlots(total: number, clock = new FakeClock()) {
  return { clock, slots: new Slots({ total, pools: { cpu: 10, io: 10 }, perTenant: undefined }, clock) }
}

describe('a turn', () => {
  test('is a slot at once when one is free, and the next when it is released', async () => {
    const { slots, clock } = openSlots(1)
    const [first, second] = [makeJob({ clock }), makeJob({ clock })]
    expect(await slots.turn(first)).toBe('slot')
    const waiting = slots.turn(second)
    expect([slots.running, slots.waiting, slots.depth('io'), slots.depth('cpu')]).toEqual([1, 1, 1, 0])
    slots.release(first)
    expect(await waiting).toBe('slot')
    expect([slots.running, slots.waiting]).toEqual([1, 0])
    slots[Symbol.dispose]()
  })

  test('ends when the job is told to stop, before and while it waits', async () => {
    const { slots, clock } = openSlots(1)
    await slots.turn(makeJob({ clock }))
    for (const why of ['cancelled', 'interrupted'] as const) {
      const waiting = makeJob({ clock })
      const turn = slots.turn(waiting)
      waiting.stop(why)
      expect(await turn).toBe(why)
      expect(await slots.turn(waiting)).toBe(why)
      expect(slots.waiting).toBe(0)
    }
  })

  test('expires with the deadline, within a tenth of a second, and at once when it has passed', async () => {
    const { slots, clock } = openSlots(1)
    await slots.turn(makeJob({ clock }))
    const late = makeJob({ clock, fields: { options: { deadline_ms: 250 } } })
    const turn = slots.turn(late)
    let ended: string | undefined
    void turn.then((how) => {
      ended = how
    })
    await clock.advance(249)
    expect(ended).toBeUndefined()
    await clock.advance(100)
    expect(ended).toBe('expired')
    expect(slots.waiting).toBe(0)
    expect(await slots.turn(late)).toBe('expired')
    expect(await slots.turn(makeJob({ clock, fields: { options: { deadline_ms: 0 } } }))).toBe('expired')
    slots[Symbol.dispose]()
    expect(clock.pending).toBe(0)
  })

  test('is never a slot after the deadline, even between two sweeps', async () => {
    const { slots, clock } = openSlots(1)
    const first = makeJob({ clock })
    await slots.turn(first)
    const turn = slots.turn(makeJob({ clock, fields: { options: { deadline_ms: 110 } } }))
    const after = slots.turn(makeJob({ clock }))
    await clock.advance(150)
    slots.release(first)
    expect(await turn).toBe('expired')
    expect(await after).toBe('slot')
    expect(slots.running).toBe(1)
  })

  test('is lost to a tenant that has less than its share', async () => {
    const { slots, clock } = openSlots(1)
    await slots.turn(makeJob({ clock }))
    const turns = [slots.turn(makeJob({ clock }))]
    await clock.advance(1)
    turns.push(slots.turn(makeJob({ clock })))
    expect(slots.makeRoom('acme', 2)).toBe(false)
    expect(slots.makeRoom('other', 2)).toBe(true)
    expect(await turns[1]).toBe('displaced')
    expect(slots.waiting).toBe(1)
  })

  test('is not lost by a job that has been tried before', async () => {
    const { slots, clock } = openSlots(1)
    await slots.turn(makeJob({ clock }))
    for (let index = 0; index < 2; index++) void slots.turn(makeJob({ clock, attempts: 1 }))
    expect(slots.makeRoom('other', 2)).toBe(false)
    expect(slots.waiting).toBe(2)
  })
})
