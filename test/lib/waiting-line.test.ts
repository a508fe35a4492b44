import { expect, test } from 'bun:test'
import { WaitingLine } from '../../src/lib/waiting-line.ts'
import { FakeClock } from '../support/fake-clock.ts'

const never = new AbortController().signal

function patience(clock: FakeClock, limitMs = 1000) {
  return { clock, limitMs, late: () => new Error('late') }
}

test('tenants are let in by turns, each one’s own in their order', async () => {
  const clock = new FakeClock()
  const line = new WaitingLine()
  const order: string[] = []
  const waits = ['a1', 'a2', 'b1', 'a3', 'b2'].map(async (name) => {
    await line.wait(name.slice(0, 1), patience(clock), never)
    order.push(name)
  })
  expect(line.length).toBe(5)
  while (line.admit()) await Promise.resolve()
  await Promise.all(waits)
  expect(order).toEqual(['a1', 'b1', 'a2', 'b2', 'a3'])
  expect([line.length, clock.pending, line.admit()]).toEqual([0, 0, false])
})

test('whoever waited too long, has left or was sent away, takes nobody’s turn', async () => {
  const clock = new FakeClock()
  const line = new WaitingLine()
  const leaving = new AbortController()
  const ends = [
    line.wait('a', patience(clock, 10), never),
    line.wait('a', patience(clock), leaving.signal),
    line.wait('b', patience(clock), never),
    line.wait('c', patience(clock), never),
  ].map((wait) => wait.catch(String))
  await clock.advance(10)
  leaving.abort(new Error('left'))
  line.admit()
  line.refuse(new Error('closed'))
  expect(await Promise.all(ends)).toEqual(['Error: late', 'Error: left', undefined, 'Error: closed'])
  expect([line.length, clock.pending]).toEqual([0, 0])
  expect(await line.wait('a', patience(clock), leaving.signal).catch(String)).toBe('Error: left')
})
