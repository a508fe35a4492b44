import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { pageOf } from '../../src/exchange/replay-page.ts'
import type { KeptDeadLetter } from '../../src/store/dead-letter-store.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { letter } from '../support/letters.ts'

const kept = (timestamp: number, reason: 'JOB_FAILED' | 'EXPIRED' = 'EXPIRED'): KeptDeadLetter => ({
  record: letter({ timestamp, reason }),
  mark: undefined,
  rejected: false,
})

async function* stream(list: readonly KeptDeadLetter[], each: () => Promise<void> = () => Promise.resolve()) {
  for (const one of list) {
    await each()
    yield one
  }
}

const start = 1_790_000_000_000

test('the pages together are the list, whatever the filter, the size of pages, and ids of one millisecond', () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ later: fc.integer({ min: 0, max: 2 }), wanted: fc.boolean() }), { maxLength: 40 }),
      fc.integer({ min: 1, max: 7 }),
      async (drawn, limit) => {
        let time = start
        const list = drawn.map(({ later, wanted }) => {
          time -= later
          return kept(time, wanted ? 'JOB_FAILED' : 'EXPIRED')
        })
        const filter = { reasons: new Set(['JOB_FAILED'] as const) }
        const seen: string[] = []
        let cursor: string | undefined
        do {
          const page = await pageOf(stream(list), { filter, limit, cursor, clock: new FakeClock() })
          expect(page.items.length).toBeLessThanOrEqual(limit)
          seen.push(...page.items.map(({ record }) => record.id))
          cursor = page.next
        } while (cursor !== undefined)
        const wanted = list.filter(({ record }) => record.reason === 'JOB_FAILED')
        expect(seen).toEqual(wanted.map(({ record }) => record.id))
      },
    ),
    { numRuns: 100 },
  ))

test('a list that was removed from goes on behind the cursor', async () => {
  const list = Array.from({ length: 10 }, (_, at) => kept(start - at * 600_000))
  const request = { filter: {}, limit: 5, clock: new FakeClock() }
  const { next } = await pageOf(stream(list), { ...request, cursor: undefined })
  expect(next).toBe(list[4]?.record.id)
  const rest = await pageOf(stream(list.toSpliced(4, 1)), { ...request, cursor: next })
  expect(rest.items).toEqual(list.slice(5))
})

test('a page takes about a second at most, and may then be empty and have a next', async () => {
  const clock = new FakeClock()
  const list = Array.from({ length: 100 }, (_, at) => kept(start - at))
  const slow = stream(list, () => clock.advance(100))
  const filter = { reasons: new Set(['JOB_FAILED'] as const) }
  const page = await pageOf(slow, { filter, limit: 5, cursor: undefined, clock })
  expect(page.items).toEqual([])
  expect(page.next).toBe(list[9]?.record.id)
})
