import { expect, test } from 'bun:test'
import { RetryRoom } from '../../src/worker/retry-room.ts'
import { Room } from '../../src/worker/room.ts'
import { Slots } from '../../src/worker/slots.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { StoredDelivery } from '../support/stored-delivery.ts'
import { makeJob } from './make-job.ts'

function open(window?: number, reporting = 0) {
  const clock = new FakeClock()
  const slots = new Slots({ total: 1, pools: { cpu: 1, io: 1 }, perTenant: undefined }, clock)
  const retryRoom = new RetryRoom(clock, () => window)
  let held = reporting
  const room = new Room({ slots, retryRoom, queueSize: 4, window: () => window, held: () => held })
  const wait = (): void => {
    held++
    void slots.turn(makeJob({ clock }))
  }
  // The first has the slot.
  wait()
  const retry = (): void => {
    held++
    void retryRoom.wait(makeJob({ clock }), 1000)
  }
  return { room, wait, retry }
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

test('what ended and is not reported yet takes room like what waits', () => {
  expect(open(undefined, 3).room.admits(pushed, 'acme')).toBe(true)
  expect(open(undefined, 4).room.admits(pushed, 'acme')).toBe(false)
})
