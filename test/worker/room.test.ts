import { expect, test } from 'bun:test'
import { RetryRoom } from '../../src/worker/retry-room.ts'
import { Room } from '../../src/worker/room.ts'
import { Slots } from '../../src/worker/slots.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { StoredDelivery } from '../support/stored-delivery.ts'
import { makeJob } from './make-job.ts'

function open(window?: number) {
  const clock = new FakeClock()
  const slots = new Slots({ total: 1, pools: { cpu: 1, io: 1 }, perTenant: undefined }, clock)
  const retryRoom = new RetryRoom(clock, () => window)
  const room = new Room({ slots, retryRoom, queueSize: 4, window: () => window })
  const wait = (): void => void slots.turn(makeJob({ clock }))
  // The first has the slot.
  wait()
  return { room, wait, retry: () => void retryRoom.wait(makeJob({ clock }), 1000) }
}

const pushed = new StoredDelivery({ body: new Uint8Array(), sequence: undefined })
const pulled = new StoredDelivery({ body: new Uint8Array() })

test('there is room as long as fewer jobs wait, for a slot or for a retry, than the queue holds', () => {
  const { room, wait, retry } = open()
  for (const [index, add] of [wait, retry, wait, retry].entries()) {
    expect([room.waiting, room.fill, room.admits(pushed, 'acme')]).toEqual([index, index / 4, true])
    add()
  }
  expect([room.fill, room.admits(pushed, 'acme')]).toEqual([1, false])
})

test('what is pulled is bounded by the window, which it fills', () => {
  const { room, wait } = open(10)
  for (let index = 0; index < 6; index++) wait()
  expect([room.fill, room.admits(pulled, 'acme')]).toEqual([0.6, true])
})

test('while it is closed nothing that is pushed comes in', () => {
  const { room } = open()
  room.setClosed(true)
  expect([room.admits(pushed, 'acme'), room.admits(pulled, 'acme')]).toEqual([false, true])
  room.setClosed(false)
  expect(room.admits(pushed, 'acme')).toBe(true)
})
