import { describe, expect, test } from 'bun:test'
import { planReplays, type ReplayRequest, type Skip } from '../../src/exchange/replay-plan.ts'
import type { DeadLetter } from '../../src/protocol/dead-letter.ts'
import type { ReplayMark } from '../../src/store/dead-letter-store.ts'
import { letter } from '../support/letters.ts'
import { MemoryDeadLetters } from '../support/memory-dead-letters.ts'

const everything: ReplayRequest = { matches: () => true, rejected: false, force: false, limit: 1000 }
const mark = (state: ReplayMark['state'], n = 1): ReplayMark => ({ state, at: '2026-01-01T00:00:00Z', by: 'x', n })

/** Plans over these, oldest first, with marks on some of them. */
async function plan(
  records: readonly DeadLetter[],
  request: Partial<ReplayRequest> = {},
  marks: Readonly<Record<string, ReplayMark>> = {},
) {
  const store = new MemoryDeadLetters()
  for (const record of records) await store.write(record)
  for (const [id, each] of Object.entries(marks)) store.marks.set(id, each)
  const skipped: Skip[] = []
  const entries = () => store.entries(new AbortController().signal)
  const { replays, hasMore } = await planReplays(entries, { ...everything, ...request }, (skip) => skipped.push(skip))
  return { replays: replays.map(({ id, covers, n }) => ({ id, covers, n })), hasMore, skipped }
}

const ofJob = (assignmentId: string, more: Parameters<typeof letter>[0] = {}) => letter({ assignmentId, ...more })
const result = { status: 'error' }

describe('of the entries of one job', () => {
  test('the newest stands for all, and jobs go out oldest first', async () => {
    const [one, other, again] = [ofJob('one'), ofJob('other'), ofJob('one', { reason: 'INTERRUPTED' })]
    const { replays } = await plan([one, other, again])
    expect(replays).toEqual([
      { id: other.id, covers: [], n: 1 },
      { id: again.id, covers: [one.id], n: 1 },
    ])
  })

  test('the same id of another tenant is another job', async () => {
    const { replays } = await plan([letter({ tenantId: 'a' }), letter({ tenantId: 'b' })])
    expect(replays.length).toBe(2)
  })

  test('a replay that failed is the newest, and counts on; what was replayed is not repeated', async () => {
    const first = ofJob('one')
    const again = { ...ofJob('one.r3'), replay_of: first.id }
    expect((await plan([first, again], {}, { [first.id]: mark('done', 3) })).replays).toEqual([
      { id: again.id, covers: [], n: 4 },
    ])
  })

  test('those whose replay failed are open again', async () => {
    const first = ofJob('one')
    const { replays } = await plan([first], {}, { [first.id]: mark('failed', 2) })
    expect(replays).toEqual([{ id: first.id, covers: [], n: 3 }])
  })

  test('a result that was not published stands for the job that failed before it', async () => {
    const failed = ofJob('one', { reason: 'MAX_DELIVERIES', result })
    const unpublished = ofJob('one', { reason: 'PUBLISH_ERROR', result })
    const { replays } = await plan([failed, unpublished])
    expect(replays).toEqual([{ id: unpublished.id, covers: [failed.id], n: 1 }])
  })

  test('a job that is asked for by name leaves the result of the earlier run alone', async () => {
    const failed = ofJob('one', { reason: 'MAX_DELIVERIES', result })
    const unpublished = ofJob('one', { reason: 'PUBLISH_ERROR', result })
    const { replays } = await plan([failed, unpublished], { ids: new Set([failed.id]) })
    expect(replays).toEqual([{ id: failed.id, covers: [], n: 1 }])
  })

  test('one that is named stands for the others that would run the job once more, also for newer ones', async () => {
    const entries = [ofJob('one'), ofJob('one', { reason: 'INTERRUPTED' }), ofJob('one')]
    const [oldest, named, newest] = entries.map(({ id }) => id)
    const { replays } = await plan(entries, { ids: new Set([String(named)]) })
    expect(replays).toEqual([{ id: String(named), covers: [String(newest), String(oldest)], n: 1 }])
  })
})

test('one entry stands for so many others as can be marked at once, whoever made them up', async () => {
  const first = ofJob('one')
  const forged = Array.from({ length: 600 }, (_, n) => ({
    ...ofJob(`one.r${n + 1}`, { reason: 'REJECTED' }),
    replay_of: first.id,
  }))
  const { replays } = await plan([first, ...forged])
  expect(replays).toMatchObject([{ id: first.id, n: 601 }])
  expect(replays[0]?.covers).toEqual(
    forged
      .slice(-500)
      .map(({ id }) => id)
      .toReversed(),
  )
})

describe('is left out', () => {
  test('what was replayed, or may have been; unless forced', async () => {
    const [done, begun] = [ofJob('one'), ofJob('two')]
    const marks = { [done.id]: mark('done'), [begun.id]: mark('begun') }
    const { replays, skipped } = await plan([done, begun], {}, marks)
    expect(replays).toEqual([])
    expect(skipped).toEqual([
      { id: begun.id, kind: 'begun', mark: mark('begun') },
      { id: done.id, kind: 'done', mark: mark('done') },
    ])
    expect((await plan([done, begun], { force: true }, marks)).replays).toEqual([
      { id: done.id, covers: [], n: 2 },
      { id: begun.id, covers: [], n: 2 },
    ])
  })

  test("what is the caller's own fault, unless it is asked for", async () => {
    const rejected = ofJob('one', { reason: 'REJECTED' })
    expect(await plan([rejected])).toEqual({ replays: [], hasMore: false, skipped: [] })
    expect((await plan([rejected], { rejected: true })).replays.length).toBe(1)
  })

  test('what cannot be sent, in words; an older one of the job then goes', async () => {
    const [whole, cut] = [ofJob('one'), { ...ofJob('one'), masked: true } as const]
    const { replays, skipped } = await plan([whole, cut])
    expect(replays.map(({ id }) => id)).toEqual([whole.id])
    expect(skipped).toMatchObject([{ id: cut.id, kind: 'unreplayable' }])
  })

  test('an id that is not there', async () => {
    const there = ofJob('one')
    const { replays, skipped } = await plan([there, ofJob('two')], { ids: new Set([there.id, 'nowhere']) })
    expect(replays.map(({ id }) => id)).toEqual([there.id])
    expect(skipped).toEqual([{ id: 'nowhere', kind: 'missing' }])
  })

  test('what goes beyond the limit: the newest are taken, with all that they stand for', async () => {
    const entries = [ofJob('a'), ofJob('b'), ofJob('c'), ofJob('c')]
    const { replays, hasMore } = await plan(entries, { limit: 1 })
    expect(replays).toEqual([{ id: entries[3]?.id ?? '', covers: [entries[2]?.id ?? ''], n: 1 }])
    expect(hasMore).toBe(true)
    expect((await plan(entries, { limit: 3 })).hasMore).toBe(false)
  })
})

test('entries that are too large to be kept at hand are read again', async () => {
  const store = new MemoryDeadLetters()
  // Of a message of one byte.
  const large = ofJob('one', { reason: 'PUBLISH_ERROR', result: { output: 'x'.repeat(33_000_000) } })
  await store.write(large)
  await store.write(ofJob('two'))
  const entries = () => store.entries(new AbortController().signal)
  const { replays } = await planReplays(entries, everything, () => undefined)
  expect(replays.map(({ kept }) => kept === undefined)).toEqual([true, false])
})
