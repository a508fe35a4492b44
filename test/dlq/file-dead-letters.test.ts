import { describe, expect, test } from 'bun:test'
import { appendFile, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { tryFileDeadLetters } from '../../src/dlq/file-dead-letters.ts'
import { draftPath, rejectedPath } from '../../src/dlq/file-names.ts'
import { ConfigError } from '../../src/errors.ts'
import { openLogger } from '../../src/observe/logger.ts'
import { deadLetterLine } from '../../src/protocol/dead-letter.ts'
import { rejection } from '../contract/bus-world.ts'
import { eventually } from '../support/eventually.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { startLetterWriter } from '../support/letter-writer.ts'
import { allOf, letter } from '../support/letters.ts'
import { fileWorld } from './file-world.ts'

const small = { maxBytes: 1_000_000, totalMaxBytes: 1_000_000 }
const dayMs = 86_400_000
const { signal } = new AbortController()

async function bytesIn(folder: string): Promise<number> {
  const stats = await Promise.all((await readdir(folder)).map((name) => stat(join(folder, name))))
  return stats.reduce((sum, { size }) => sum + size, 0)
}

describe('the files', () => {
  test('keep apart what callers did wrong', async () => {
    await using world = await fileWorld()
    const [failed, nonsense] = [letter(), letter({ reason: 'PARSE_ERROR' })]
    const store = await world.open()
    await store.write(failed)
    await store.write(nonsense)
    expect(await readFile(world.path, 'utf8')).toBe(deadLetterLine(failed))
    expect(await readFile(rejectedPath(world.path), 'utf8')).toBe(deadLetterLine(nonsense))
  })

  test('that cannot be written are a wrong setting', async () => {
    await using world = await fileWorld()
    await mkdir(rejectedPath(world.path))
    for (const refusal of [await rejection(world.open()), await rejection(tryFileDeadLetters(world.path))]) {
      expect(refusal).toBeInstanceOf(ConfigError)
      expect(refusal).toMatchObject({ problems: [expect.stringMatching(/^DLQ_PATH: .*dlq\.rejected\.jsonl/)] })
    }
  })

  test('whose last lines a crash cut short can be read, and written to', async () => {
    await using world = await fileWorld()
    const [one, two, three] = [letter(), letter(), letter()]
    const store = await world.open()
    await store.write(one)
    await appendFile(world.path, deadLetterLine(letter()).slice(0, 100))
    expect((await allOf(store)).map(({ record }) => record.id)).toEqual([one.id])
    await store.write(two)
    await appendFile(world.path, '\0\0\0{"id":\n{"id":"01ARZ3NDEKTSV4RRFFQ69G5FAV"}\n[]\n\xff\n')
    await store.write(three)
    expect((await allOf(store)).map(({ record }) => record.id)).toEqual([three.id, two.id, one.id])
  })

  test('count what is in them, also what other processes write', async () => {
    await using world = await fileWorld()
    const clock = new FakeClock()
    const store = await world.open({ clock })
    await store.write(letter())
    expect(store.size()).toBeUndefined()
    await eventually(() => store.size()?.entries === 1)
    await store.write(letter({ reason: 'REJECTED' }))
    expect(store.size()?.entries).toBe(2)
    const other = await world.open()
    await other.write(letter())
    await clock.advance(5000)
    await eventually(() => store.size()?.entries === 3)
    const sizes = await Promise.all([world.path, rejectedPath(world.path)].map(async (path) => (await stat(path)).size))
    expect(store.size()?.bytes).toBe((sizes[0] ?? 0) + (sizes[1] ?? 0))
    await store.purge(({ rejected }) => rejected, signal)
    await eventually(() => store.size()?.entries === 2)
  })

  test('count what is removed for room, before they are counted again', async () => {
    await using world = await fileWorld()
    const store = await world.open({ clock: new FakeClock(), config: { maxBytes: 4_000, totalMaxBytes: 20_000 } })
    store.size()
    await eventually(() => store.size() !== undefined)
    for (let n = 0; n < 200; n++) await store.write(letter())
    const names = (await readdir(world.folder)).filter((name) => !/replays|lock/.test(name))
    const sizes = await Promise.all(names.map(async (name) => (await stat(join(world.folder, name))).size))
    const bytes = sizes.reduce((sum, size) => sum + size, 0)
    expect(store.size()).toEqual({ bytes, entries: (await allOf(store)).length })
  })
})

describe('limits', () => {
  test('hold for everything together, and bad clients push out nothing', async () => {
    await using world = await fileWorld()
    const store = await world.open({ config: { ...small, maxRotations: 100 } })
    const first = letter()
    await store.write(first)
    for (let n = 0; n < 300; n++) {
      const input = 'x'.repeat((n * 977) % 30_000)
      await store.write(letter({ reason: 'REJECTED', assignment: { input } }))
      expect(await bytesIn(world.folder)).toBeLessThanOrEqual(101_000)
    }
    expect((await store.find(first.id, signal))?.record).toEqual(first)
    for (let n = 0; n < 300; n++) {
      const record = letter({ assignment: { input: 'x'.repeat((n * 977) % 300_000) } })
      await store.write(record)
      const claim = { job: 'acme:job-1', ids: [record.id], atLeast: 1, force: true, by: 'command: me' } as const
      await store.claim(claim, signal)
      await store.settle(claim, n + 1, 'done', signal)
      expect(await bytesIn(world.folder)).toBeLessThanOrEqual(1_000_000)
    }
    const kept = await allOf(store)
    expect(kept.filter(({ rejected }) => rejected).length).toBeGreaterThan(1)
    const [newest] = kept
    expect([newest?.mark?.n, newest?.mark?.state]).toEqual([300, 'done'])
  })

  test('of an entry leave its head, and say what is missing', async () => {
    await using world = await fileWorld()
    const lines: string[] = []
    const log = openLogger({
      level: 'info',
      format: 'json',
      workerId: 'w',
      component: 'dlq',
      to: (line) => lines.push(line),
    })
    const store = await world.open({ config: small, log })
    const record = letter({ result: { output: 'y' }, assignment: { input: 'x'.repeat(2_000_000) } })
    const hostile = letter({
      reason: 'REJECTED',
      tenantId: 't'.repeat(400_000),
      assignment: { input: '🦊'.repeat(20_000) },
    })
    await store.write(record)
    await store.write(hostile)
    const { assignment, ...head } = record
    const [cut, kept] = (await allOf(store)).map((each) => each.record)
    expect(kept).toEqual({
      ...head,
      omitted: [{ field: 'assignment', bytes: Buffer.byteLength(JSON.stringify(assignment)) }],
    })
    expect(cut).toMatchObject({ id: hostile.id, tenant_id: 't'.repeat(256), job_type: 'echo' })
    expect(cut?.omitted?.map(({ field }) => field)).toContain('assignment')
    expect(lines.filter((line) => line.includes('too large')).length).toBe(2)
  })

  test('of age remove what is older, at a start, with a write and every hour', async () => {
    await using world = await fileWorld()
    const clock = new FakeClock(Date.parse('2026-11-03T00:00:00Z'))
    const at = (days: number) =>
      letter({ timestamp: clock.now() + days * dayMs, assignment: { input: 'x'.repeat(700_000) } })
    const config = { ...small, totalMaxBytes: 100_000_000, maxAgeDays: 10 }
    const [old, newer, newest] = [at(-20), at(-9), at(0)]
    const ids = async () => (await allOf(store)).map(({ record }) => record.id)
    const store = await world.open({ config, clock })
    await store.write(old)
    expect(await ids()).toEqual([old.id])
    await clock.advance(3_600_000)
    await store.write(newer)
    expect(await ids()).toEqual([newer.id])
    for (const record of [newest, at(0), at(0)]) await store.write(record)
    expect((await ids()).length).toBe(4)
    await clock.advance(9 * dayMs)
    await store[Symbol.asyncDispose]()
    const tidy = await world.open({ config, clock, upkeep: true })
    expect((await allOf(tidy)).length).toBe(3)
    await clock.advance(12 * dayMs)
    await eventually(async () => (await allOf(tidy)).length === 0)
  })

  test('are kept by a start, when the settings became smaller, but not by one who only looks', async () => {
    await using world = await fileWorld()
    const store = await world.open({ config: { maxBytes: 1_000_000, maxRotations: 100 } })
    for (let n = 0; n < 40; n++) await store.write(letter({ assignment: { input: 'x'.repeat(100_000) } }))
    await world.open({ config: small })
    expect((await allOf(store)).length).toBe(40)
    await world.open({ config: small, upkeep: true })
    expect((await allOf(store)).length).toBeLessThan(10)
    expect(await bytesIn(world.folder)).toBeLessThanOrEqual(1_000_000)
  })
})

describe('several processes', () => {
  test('put the files aside at the same time, and lose nothing', async () => {
    await using world = await fileWorld()
    const config = { maxBytes: 1_000_000, maxRotations: 100 }
    const order = { do: 'write', path: world.path, config, entries: 400, bytes: 10_000 } as const
    const children = ['a', 'b', 'c'].map((tag) => startLetterWriter({ ...order, tag }))
    expect(await Promise.all(children.map(({ exited }) => exited))).toEqual([0, 0, 0])
    const store = await world.open()
    const jobs = new Set((await allOf(store)).map(({ record }) => record.assignment_id))
    expect(jobs.size).toBe(1200)
    expect((await readdir(world.folder)).filter((name) => name.includes('Z')).length).toBeGreaterThan(10)
    expect(await store.purge(() => true, signal)).toBe(1200)
    expect(await bytesIn(world.folder)).toBe(0)
  }, 30_000)

  test('get rid of what a removal that was killed has left, with the next write', async () => {
    await using world = await fileWorld()
    const store = await world.open()
    await writeFile(draftPath(world.path), 'x'.repeat(1000), { mode: 0o600 })
    await store.write(letter())
    expect(await readdir(world.folder)).not.toContain('dlq.draft.jsonl')
  })

  test('do not disturb who reads', async () => {
    await using world = await fileWorld()
    const [reader, other] = [await world.open(), await world.open({ config: { ...small, maxRotations: 2 } })]
    const records = Array.from({ length: 30 }, () => letter({ assignment: { input: 'x'.repeat(60_000) } }))
    for (const record of records.slice(0, 10)) await other.write(record)
    const entries = reader.entries(signal)[Symbol.asyncIterator]()
    const read = [await entries.next()]
    for (const record of records.slice(10)) await other.write(record)
    await other.purge(({ record }) => record.id !== records[29]?.id, signal)
    for (let next = await entries.next(); !next.done; next = await entries.next()) read.push(next)
    const ids = read.map(({ value }) => value?.record.id)
    expect(ids).toEqual(
      records
        .slice(0, 10)
        .map(({ id }) => id)
        .toReversed(),
    )
    expect((await allOf(reader)).map(({ record }) => record.id)).toEqual([records[29]?.id ?? ''])
  })
})

describe('purging', () => {
  test('works where there is no room for a copy, and leaves nothing of what it removes', async () => {
    await using world = await fileWorld()
    const store = await world.open({ config: { ...small, totalMaxBytes: 2_000_000, maxRotations: 9 } })
    const texts = ['secret '.repeat(20_000), 'x'.repeat(140_000)]
    const records = Array.from({ length: 40 }, (_, n) => letter({ assignment: { input: texts[n % 4 === 0 ? 0 : 1] } }))
    for (const record of records) await store.write(record)
    await writeFile(join(world.folder, 'dlq.replays.jsonl'), Buffer.alloc(300_000, '\n'))
    const before = await allOf(store)
    const isSecret = (record: { readonly assignment?: unknown }) => JSON.stringify(record.assignment).includes('secret')
    const secret = before.filter(({ record }) => isSecret(record)).length
    expect(await store.purge(({ record }) => isSecret(record), signal)).toBe(secret)
    expect(await allOf(store)).toEqual(before.filter(({ record }) => !isSecret(record)))
    const names = (await readdir(world.folder)).filter((name) => name.startsWith('dlq.jsonl'))
    const left = await Promise.all(names.map((name) => readFile(join(world.folder, name), 'utf8')))
    expect(left.join('')).not.toContain('secret')
    expect(left.join('')).toContain('  \n')
    expect(await bytesIn(world.folder)).toBeLessThanOrEqual(2_000_000)
    expect(await store.purge(() => true, signal)).toBe(before.length - secret)
    expect((await readdir(world.folder)).filter((name) => name.startsWith('dlq.jsonl'))).toEqual([])
  })
})
