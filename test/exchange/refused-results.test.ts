import { expect, test } from 'bun:test'
import { RefusedResults } from '../../src/exchange/refused-results.ts'
import type { DeadLetter } from '../../src/protocol/dead-letter.ts'
import type { KeptDeadLetter } from '../../src/store/dead-letter-store.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { letter } from '../support/letters.ts'

const hourMs = 3_600_000
const bound = 1_000

const never = Number.POSITIVE_INFINITY

/** An entry that was tried at this moment, and not sent. */
function tried(record: DeadLetter, atMs: number): KeptDeadLetter {
  const mark = { state: 'failed', at: new Date(atMs).toISOString(), by: 'auto', n: 1 } as const
  return { record, mark, rejected: false }
}

test('each waits from a minute to an hour, twice as long from try to try', async () => {
  const clock = new FakeClock()
  const refused = new RefusedResults(clock)
  const record = letter()
  const waits: number[] = []
  for (let n = 0; n < 8; n++) {
    refused.add(record)
    const waitMs = refused.nextMs - clock.monotonic()
    waits.push(waitMs / 60_000)
    await clock.advance(waitMs - 1)
    expect([refused.holdsBack(tried(record, clock.now())), refused.dueFrom]).toEqual([true, never])
    await clock.advance(1)
    expect(refused.holdsBack(tried(record, clock.now()))).toBe(false)
    expect(refused.dueFrom).toBe(Date.parse(record.ts))
  }
  expect(waits).toEqual([1, 2, 4, 8, 16, 32, 60, 60])
})

test('what was due and not refused once more is forgotten', async () => {
  const clock = new FakeClock()
  const refused = new RefusedResults(clock)
  const [gone, again] = [letter(), letter()]
  refused.add(gone)
  refused.add(again)
  await clock.advance(60_000)
  const dueMs = clock.monotonic()
  refused.add(again)
  refused.forgetDueAt(dueMs)
  expect(refused.nextMs).toBe(dueMs + 120_000)
  await clock.advance(120_000)
  expect(refused.dueFrom).toBe(Date.parse(again.ts))
  refused.forgetDueAt(clock.monotonic())
  expect([refused.nextMs, refused.dueFrom]).toEqual([never, never])
})

test('of more than it remembers the marks say when they were tried, and none is lost', async () => {
  const clock = new FakeClock()
  const refused = new RefusedResults(clock)
  const newest = Array.from({ length: bound }, () => letter())
  const older = letter({ timestamp: 5_000 })
  const oldest = letter({ timestamp: 1_000 })
  for (const record of newest) refused.add(record)
  expect(refused.holdsBack(tried(oldest, clock.now()))).toBe(false)
  refused.add(older)
  await clock.advance(hourMs / 2)
  expect(refused.holdsBack(tried(oldest, clock.now()))).toBe(true)
  expect(refused.holdsBack({ record: letter(), mark: undefined, rejected: false })).toBe(false)
  refused.forgetDueAt(clock.monotonic())
  expect(refused.nextMs - clock.monotonic()).toBe(hourMs)
  await clock.advance(hourMs)
  expect(refused.dueFrom).toBe(1_000)
  expect(refused.holdsBack(tried(oldest, clock.now() - hourMs))).toBe(false)
  refused.forgetDueAt(clock.monotonic())
  expect(refused.nextMs).toBe(never)
})
