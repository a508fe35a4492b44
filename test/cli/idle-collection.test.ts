import { expect, test } from 'bun:test'
import { collectWhenIdle } from '../../src/cli/idle-collection.ts'
import { FakeClock } from '../support/fake-clock.ts'

/** Enough that the heap has to grow, whatever the files before this one have left in it. */
const objects = 1_000_000

test('memory is given back once the process has nothing to do', async () => {
  const clock = new FakeClock()
  const stop = collectWhenIdle(clock)
  const before = process.memoryUsage.rss()
  const left = Array.from({ length: objects }, (_, n) => ({ n, text: `text ${n}` }))
  const grown = process.memoryUsage.rss() - before
  expect(left.length).toBe(objects)
  left.length = 0
  // The first look sees what making them has used; the second sees an idle process.
  await clock.advance(500)
  await clock.advance(500)
  expect(grown).toBeGreaterThan(16_000_000)
  expect(process.memoryUsage.rss()).toBeLessThan(before + grown)
  stop()
  expect(clock.pending).toBe(0)
})
