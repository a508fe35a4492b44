import { describe, expect, test } from 'bun:test'
import { replayDeadLetters } from '../../src/cli/dlq-replay.ts'
import type { Replayed } from '../../src/exchange/replay-end.ts'
import type { PlannedReplay } from '../../src/exchange/replay-plan.ts'
import { letter } from '../support/letters.ts'
import { MemoryDeadLetters } from '../support/memory-dead-letters.ts'
import { said } from '../support/said.ts'

const { signal } = new AbortController()
const sent: Replayed = { kind: 'sent', what: 'job', assignmentId: 'job-1.r1' }
const mark = { state: 'begun', at: 'yesterday', by: 'ann', n: 1 } as const

/** Replays these, each of a job of its own, with these ends. */
async function replay(
  ends: readonly Replayed[],
  options: { json?: boolean; isTerminal?: boolean; limit?: number } = {},
) {
  const store = new MemoryDeadLetters()
  const records = ends.map((_, at) => letter({ assignmentId: `job-${at}` }))
  for (const record of records) await store.write(record)
  const output = said(options.isTerminal)
  const done: string[] = []
  const send = ({ id }: PlannedReplay) => Promise.resolve(ends[done.push(id) - 1] ?? sent)
  const request = { matches: () => true, rejected: false, force: false, limit: options.limit ?? 1000 }
  const code = await replayDeadLetters({ store, request, send, json: options.json ?? false, output, signal })
  return { code, output, done, ids: records.map(({ id }) => id) }
}

describe('replay', () => {
  test('oldest first; a line for each, and no more when all went well', async () => {
    const { code, output, done, ids } = await replay([sent, { kind: 'sent', what: 'result', assignmentId: 'job-2' }])
    expect({ code, done }).toEqual({ code: 0, done: ids })
    expect(output.stdout).toEqual([`${ids[0]} sent: as job-1.r1`, `${ids[1]} sent: the result of job-2`])
    expect(output.stderr).toEqual([])
  })

  test('1 when something was not sent, or may not have been; the rest goes on', async () => {
    const failures: readonly (readonly [Replayed, string])[] = [
      [{ kind: 'failed', cause: 'no-responders', why: 'nobody listens' }, 'not sent: nobody listens'],
      [{ kind: 'unsure', why: 'no word came' }, 'unsure: no word came; it may have been sent'],
      [{ kind: 'missing' }, 'not sent: there is no such dead letter'],
      [{ kind: 'taken', mark }, 'unsure: a replay was begun on yesterday by ann and may have been sent; --force'],
    ]
    for (const [end, words] of failures) {
      const { code, output, done } = await replay([end, sent])
      expect({ code, sent: done.length }).toEqual({ code: 1, sent: 2 })
      expect(output.stderr[0]).toContain(words)
      expect(output.stderr.at(-1)).toBe('1 sent, 1 not sent, 0 replayed before')
    }
  })

  test('3, and no more of it, when the connection went away', async () => {
    const { code, done, output } = await replay([{ kind: 'failed', cause: 'offline', why: 'gone' }, sent])
    expect({ code, sent: done.length }).toEqual({ code: 3, sent: 1 })
    expect(output.stderr.at(-1)).toBe('0 sent, 1 not sent, 0 replayed before; broken off, with 1 more to go')
  })

  test('what somebody else has sent meanwhile is no failure', async () => {
    const { code } = await replay([{ kind: 'taken', mark: { ...mark, state: 'done' } }])
    expect(code).toBe(0)
  })

  test('--json: a line for each on standard output, however it ended', async () => {
    const { output, ids } = await replay([sent, { kind: 'unsure', why: 'x' }], { json: true })
    expect(output.stdout.map((line) => JSON.parse(line))).toMatchObject([
      { id: ids[0], outcome: 'sent', as: 'job-1.r1', what: 'job' },
      { id: ids[1], outcome: 'unsure' },
    ])
  })

  test('shows on a terminal how far it is, and that there is more', async () => {
    const { output } = await replay([sent, sent, sent], { isTerminal: true, limit: 2 })
    expect(output.shown).toEqual(['0 of 2 replayed', '1 of 2 replayed', ''])
    expect(output.stderr).toEqual(['2 sent, 0 not sent, 0 replayed before; there are more than 2 (--limit)'])
  })
})

test('says that nothing went because all of it is the callers own fault, and how many those are', async () => {
  const store = new MemoryDeadLetters()
  for (const reason of ['REJECTED', 'PARSE_ERROR'] as const) await store.write(letter({ reason }))
  const output = said()
  const request = { matches: () => true, rejected: false, force: false, limit: 1000 }
  const parts = { store, request, send: () => Promise.resolve(sent), json: false, output, signal }
  expect(await replayDeadLetters(parts)).toBe(0)
  const words = "0 sent, 0 not sent, 0 replayed before; 2 left out as callers' own faults (--reason)"
  expect(output.stderr).toEqual([words])
  await store.write(letter())
  await replayDeadLetters(parts)
  expect(output.stderr.length).toBe(1)
})

test('a dry run says under which ids jobs would go, and marks nothing', async () => {
  const store = new MemoryDeadLetters()
  const again = { ...letter({ assignmentId: 'other.r4' }), replay_of: letter().id }
  for (const record of [letter(), again, letter({ assignmentId: 'gone', reason: 'PUBLISH_ERROR', result: { a: 1 } })]) {
    await store.write(record)
  }
  const output = said()
  const request = { matches: () => true, rejected: false, force: false, limit: 1000 }
  expect(await replayDeadLetters({ store, request, send: undefined, json: true, output, signal })).toBe(0)
  expect(output.stdout.map((line) => JSON.parse(line))).toMatchObject([
    { outcome: 'would be sent', what: 'job', as: 'job-1.r1' },
    { outcome: 'would be sent', what: 'job', as: 'other.r5' },
    { outcome: 'would be sent', what: 'result', as: 'gone' },
  ])
  expect(store.marks.size).toBe(0)
  const page = said(true)
  await replayDeadLetters({
    store,
    request: { ...request, limit: 2 },
    send: undefined,
    json: false,
    output: page,
    signal,
  })
  const more = 'there are more than 2 (--limit)'
  expect(page.stderr).toEqual([`2 would be sent, 0 would not, 0 replayed before; ${more}`])
})

test('an interrupt ends it after the one that is being sent: 1', async () => {
  const store = new MemoryDeadLetters()
  for (const id of ['a', 'b']) await store.write(letter({ assignmentId: id }))
  const ending = new AbortController()
  const send = () => {
    ending.abort()
    return Promise.resolve(sent)
  }
  const output = said()
  const request = { matches: () => true, rejected: false, force: false, limit: 1000 }
  const parts = { store, request, send, json: false, output, signal: ending.signal }
  expect(await replayDeadLetters(parts)).toBe(1)
  expect(output.stdout.length).toBe(1)
  expect(output.stderr).toEqual(['1 sent, 0 not sent, 0 replayed before; broken off, with 1 more to go'])
})
