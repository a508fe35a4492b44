import { describe, expect, test } from 'bun:test'
import { appendFile, chmod, readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { MarkTable } from '../../src/dlq/mark-table.ts'
import { ReplayMarks } from '../../src/dlq/replay-marks.ts'
import { systemClock } from '../../src/lib/clock.ts'
import type { Claim } from '../../src/store/dead-letter-store.ts'
import { rejection } from '../contract/bus-world.ts'
import { fileWorld } from './file-world.ts'

function marksIn(folder: string, { room = 1e9, existing }: { room?: number; existing?: ReadonlySet<string> } = {}) {
  return new ReplayMarks({
    ...{ path: join(folder, 'replays.jsonl'), draft: join(folder, 'draft.jsonl'), fsync: false, clock: systemClock },
    roomBytes: () => Promise.resolve(room),
    existing: (ids) => Promise.resolve(existing ?? ids),
  })
}

function claimOf(id: string, more: Partial<Claim> = {}): Claim {
  return { job: `acme:${id}`, ids: [id], atLeast: 1, force: false, by: 'command: me', ...more }
}

async function replay(marks: ReplayMarks, claim: Claim): Promise<void> {
  const claimed = await marks.claim(claim)
  if (claimed.kind === 'granted') await marks.settle(claim, claimed.n, 'done')
}

describe('the file of marks', () => {
  test('is for its owner only, and survives lines that a crash cut short', async () => {
    await using world = await fileWorld()
    const path = join(world.folder, 'replays.jsonl')
    await replay(marksIn(world.folder), claimOf('a'))
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    await chmod(path, 0o644)
    await appendFile(path, '{"job":"acme:a","ids":["a"],"state":"beg')
    const marks = marksIn(world.folder)
    expect(await marks.claim(claimOf('a'))).toMatchObject({ kind: 'taken', mark: { state: 'done' } })
    expect(await marks.claim(claimOf('b'))).toEqual({ kind: 'granted', n: 1 })
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect((await marksIn(world.folder).read()).get('b')).toMatchObject({ state: 'begun' })
  })

  test('is written anew when much of it says nothing any more, also under the eyes of others', async () => {
    await using world = await fileWorld()
    const path = join(world.folder, 'replays.jsonl')
    const [one, other] = [marksIn(world.folder), marksIn(world.folder)]
    let largest = 0
    for (let n = 0; n < 1500; n++) {
      await replay(
        n % 7 === 0 ? other : one,
        claimOf(`${n % 300}`, { force: true, ids: [`${n % 300}`, `x${n % 300}`] }),
      )
      largest = Math.max(largest, (await stat(path)).size)
    }
    expect(largest).toBeLessThan(150_000)
    expect(await readdir(world.folder)).toEqual(['replays.jsonl'])
    for (const marks of [one, other, marksIn(world.folder)]) {
      const read = await marks.read()
      for (let n = 0; n < 300; n++) expect(read.get(`${n}`)).toMatchObject({ state: 'done', n: 5 })
      for (let n = 0; n < 300; n++) expect(read.get(`x${n}`)).toMatchObject({ state: 'done', n: 5, through: `${n}` })
    }
  })

  test('forgets what is gone when there is no more room, and refuses when that does not help', async () => {
    await using world = await fileWorld()
    const room = 40_000
    const filling = marksIn(world.folder, { room })
    const full = async (marks: ReplayMarks, prefix: string): Promise<number> => {
      for (let n = 0; ; n++) if ((await rejection(replay(marks, claimOf(`${prefix}${n}`)))) !== undefined) return n
    }
    const first = await full(filling, 'a')
    expect(first).toBeGreaterThan(50)
    expect(await rejection(filling.claim(claimOf('more')))).toMatchObject({
      message: expect.stringContaining('no room to write down more replays'),
    })
    const pruned = marksIn(world.folder, { room, existing: new Set(['a0', 'a1']) })
    expect(await pruned.claim(claimOf('more'))).toEqual({ kind: 'granted', n: 1 })
    const marks = await marksIn(world.folder).read()
    expect([marks.get('a0')?.state, marks.get('a1')?.state, marks.get('a2')]).toEqual(['done', 'done', undefined])
    expect((await readFile(join(world.folder, 'replays.jsonl'))).length).toBeLessThan(1000)
  })
})

describe('the table of marks', () => {
  const line = { job: 'j', ids: ['a', 'b'], state: 'done', at: '2026-11-03T00:00:00Z', by: 'me', n: 2 } as const

  test('keeps the last replay of each entry, and says it again', () => {
    const table = new MarkTable()
    for (const each of [line, { ...line, ids: ['a'], n: 1, state: 'failed' }, { ...line, ids: ['b'], n: 3 }])
      table.add(each)
    for (const nonsense of [{}, { ...line, n: '9' }, { ...line, ids: 'a' }, { ...line, state: 'other', n: 9 }]) {
      table.add(nonsense)
    }
    expect(table.get('a')).toEqual({ state: 'done', at: line.at, by: 'me', n: 2 })
    expect(table.get('b')).toMatchObject({ n: 3 })
    expect([table.highest('j'), table.highest('other')]).toEqual([3, 0])
    const again = new MarkTable()
    for (const each of table.lines()) again.add({ ...each })
    for (const id of ['a', 'b']) expect(again.get(id)).toEqual(table.get(id))
  })
})
