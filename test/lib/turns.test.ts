import { expect, test } from 'bun:test'
import { systemClock } from '../../src/lib/clock.ts'
import { Turns } from '../../src/lib/turns.ts'
import { FakeClock } from '../support/fake-clock.ts'

test('those who ask get their turn in order, and whatever became ready meanwhile comes between', async () => {
  const turns = new Turns()
  const order: string[] = []
  const work = async (name: string): Promise<void> => {
    await turns.next(systemClock)
    order.push(name)
    systemClock.soon(() => order.push(`after ${name}`))
  }
  await Promise.all(['a', 'b', 'c'].map(work))
  expect(order).toEqual(['a', 'after a', 'b', 'after b', 'c'])
})

test('nobody goes at once', async () => {
  const clock = new FakeClock()
  let isDone = false
  const turn = new Turns().next(clock).then(() => {
    isDone = true
  })
  expect(isDone).toBe(false)
  await clock.advance(0)
  await turn
  expect(isDone).toBe(true)
})
