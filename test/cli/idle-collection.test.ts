import { expect, test } from 'bun:test'
import { collectWhenIdle } from '../../src/cli/idle-collection.ts'
import { FakeClock } from '../support/fake-clock.ts'

test('memory is given back once the process has nothing to do', async () => {
  const clock = new FakeClock()
  const stop = collectWhenIdle(clock)
  const before = process.memoryUsage.rss()
  const left = Array.from({ length: 200_000 }, (_, n) => ({ n, text: `text ${n}` }))
  const grown = process.memoryUsage.rss() - before
  expect(left.length).toBe(200_000)
  left.length = 0
  // The first look sees what making them has used; the second sees an idle process.
  await clock.advance(500)
  await clock.advance(500)
  expect(grown).toBeGreaterThan(16_000_000)
  expect(process.memoryUsage.rss()).toBeLessThan(before + grown)
  stop()
  expect(clock.pending).toBe(0)
})
