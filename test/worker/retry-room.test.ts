import { expect, test } from 'bun:test'
import { RetryRoom } from '../../src/worker/retry-room.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { makeJob } from './make-job.ts'

function ended(work: Promise<void>): () => boolean {
  let over = false
  void work.then(() => {
    over = true
  })
  return () => over
}

test('a job waits as long as it should', async () => {
  const clock = new FakeClock()
  const room = new RetryRoom(clock, () => undefined)
  const over = ended(room.wait(makeJob({ clock }), 500))
  await clock.advance(499)
  expect([over(), room.waiting]).toEqual([false, 1])
  await clock.advance(1)
  expect([over(), room.waiting]).toEqual([true, 0])
})

test('a job that is told to stop leaves at once, and a stopped one does not wait', async () => {
  const clock = new FakeClock()
  const room = new RetryRoom(clock, () => undefined)
  const job = makeJob({ clock })
  const wait = room.wait(job, 500)
  job.stop('cancelled')
  await wait
  await room.wait(job, 500)
  expect([room.waiting, clock.pending]).toEqual([0, 0])
})

test.each([
  [undefined, 100, false],
  [16, 7, false],
  [16, 8, true],
  [3, 1, true],
  [1, 0, true],
])('with a window of %p, %i waiting: full is %p', (window, waiting, full) => {
  const clock = new FakeClock()
  const room = new RetryRoom(clock, () => window)
  for (let index = 0; index < waiting; index++) void room.wait(makeJob({ clock }), 500)
  expect(room.isFull).toBe(full)
})
