import { expect, test } from 'bun:test'
import { Ending } from '../../src/cli/ending.ts'
import { watchMemory } from '../../src/cli/memory-watch.ts'
import { openLogger } from '../../src/observe/logger.ts'
import { FakeClock } from '../support/fake-clock.ts'

test('the first reason that is none of success decides the code', async () => {
  const ending = new Ending()
  expect(ending.signal.aborted).toBe(false)
  ending.request(0)
  await ending.requested
  ending.request(3)
  ending.request(75)
  expect(ending.code).toBe(3)
})

test('a crash is told to whoever listens and ends with 1', () => {
  const ending = new Ending()
  const heard: unknown[] = []
  const unheard = ending.onCrash(() => heard.push('never'))
  ending.onCrash((error) => heard.push(error))
  unheard()
  ending.crash('broken')
  expect(heard).toEqual(['broken'])
  expect(ending.code).toBe(1)
  expect(ending.signal.aborted).toBe(true)
})

test.each([
  [1, 75],
  [Number.MAX_SAFE_INTEGER, 0],
  [undefined, 0],
])('with a memory limit of %p bytes the code is %p', async (maxRssBytes, code) => {
  const clock = new FakeClock()
  const ending = new Ending()
  const log = openLogger({ level: 'error', format: 'json', workerId: 'w', component: 'c', to: () => undefined, clock })
  const stop = watchMemory({ maxRssBytes, ending, clock, log })
  await clock.advance(10_000)
  expect(ending.code).toBe(code)
  expect(ending.signal.aborted).toBe(code !== 0)
  stop()
  expect(clock.pending).toBe(0)
})

test('one interrupt that arrives several times is one; a later one is another', () => {
  const ending = new Ending()
  expect([1_000, 1_000, 1_499].map((atMs) => ending.interrupt(atMs))).toEqual(['drain', 'drain', 'drain'])
  expect(ending.signal.aborted).toBe(true)
  expect(ending.code).toBe(0)
  expect(ending.interrupt(1_500)).toBe('end')
})
