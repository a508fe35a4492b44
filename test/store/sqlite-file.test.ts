import { Database } from 'bun:sqlite'
import { expect, test } from 'bun:test'
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { ConfigError } from '../../src/errors.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { inspectSqliteFile, peekSqlite } from '../../src/store/sqlite-file.ts'
import { openSqliteStateStore } from '../../src/store/sqlite-state-store.ts'
import { StoreError } from '../../src/store/state-store.ts'
import { rejection } from '../contract/bus-world.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { temporaryFolder } from './temporary-folder.ts'

const { signal } = new AbortController()
const x = new Uint8Array([120])
const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8)

async function problem(path: string): Promise<string> {
  const error = await rejection(openSqliteStateStore(path, systemClock))
  if (!(error instanceof ConfigError)) throw new Error('it could be opened', { cause: error })
  return error.message
}

test('nobody else can read what is kept', async () => {
  await using folder = await temporaryFolder()
  const path = join(folder.path, 'new/state.sqlite')
  await using store = await openSqliteStateStore(path, systemClock)
  await store.create('k', x, 1, signal)
  expect(modeOf(join(folder.path, 'new'))).toBe('700')
  expect(['', '-wal', '-shm'].map((end) => modeOf(path + end))).toEqual(['600', '600', '600'])
})

test('a file that was open to others is closed to them', async () => {
  await using folder = await temporaryFolder()
  const path = join(folder.path, 'state.sqlite')
  await (await openSqliteStateStore(path, systemClock))[Symbol.asyncDispose]()
  chmodSync(path, 0o644)
  await using _store = await openSqliteStateStore(path, systemClock)
  expect(modeOf(path)).toBe('600')
})

test('what is no file of ours is refused by name', async () => {
  await using folder = await temporaryFolder()
  const at = (name: string): string => join(folder.path, name)
  await (await openSqliteStateStore(at('real'), systemClock))[Symbol.asyncDispose]()
  symlinkSync(at('real'), at('link'))
  mkdirSync(at('folder'))
  writeFileSync(at('garbage'), 'no database '.repeat(100))
  using other = new Database(at('other'))
  other.run('CREATE TABLE theirs (a)')
  await (await openSqliteStateStore(at('later'), systemClock))[Symbol.asyncDispose]()
  using later = new Database(at('later'))
  later.run('PRAGMA user_version = 2')
  later.run('PRAGMA wal_checkpoint')
  writeFileSync(at('beside'), '')
  symlinkSync(at('real'), at('beside-wal'))
  const reasons = {
    link: /link is a link$/,
    folder: /not a regular file$/,
    garbage: /not a database$/,
    other: /belongs to another program$/,
    later: /written by a later version/,
    beside: /beside-wal is a link$/,
    'real/below': /ENOTDIR|EEXIST/,
  }
  for (const [name, reason] of Object.entries(reasons)) {
    const told = await problem(at(name))
    expect(told).toStartWith(`STATE_PATH: ${at(name)} `)
    expect(told).toMatch(reason)
  }
  expect(await inspectSqliteFile(at('real'))).toBeUndefined()
  expect(await inspectSqliteFile(at('none'))).toBeUndefined()
  for (const name of ['garbage', 'other', 'later']) expect(await inspectSqliteFile(at(name))).toContain(at(name))
})

test.if(process.getuid?.() === 0)('a file of somebody else is refused', async () => {
  await using folder = await temporaryFolder()
  const path = join(folder.path, 'state.sqlite')
  writeFileSync(path, '')
  chownSync(path, 1234, 1234)
  expect(await problem(path)).toMatch(/belongs to somebody else$/)
})

test('a damaged file is refused', async () => {
  await using folder = await temporaryFolder()
  const path = join(folder.path, 'state.sqlite')
  {
    await using store = await openSqliteStateStore(path, systemClock)
    for (let n = 0; n < 50; n += 1) await store.create(`k.${n}`, new Uint8Array(5_000), n, signal)
  }
  truncateSync(path, Math.floor(statSync(path).size / 8192) * 4096)
  expect(await problem(path)).toMatch(/STATE_PATH: .*(damaged|malformed)/)
})

test('waits for another process that writes, for a while', async () => {
  await using folder = await temporaryFolder()
  const path = join(folder.path, 'state.sqlite')
  const clock = new FakeClock()
  await using store = await openSqliteStateStore(path, clock)
  using other = new Database(path)
  other.run('BEGIN IMMEDIATE')
  const patient = store.create('patient', x, 1, signal)
  expect(await store.get('patient', signal)).toBeUndefined()
  other.run('COMMIT')
  await clock.advance(50)
  expect(await patient).toBeString()
  other.run('BEGIN IMMEDIATE')
  const inVain = rejection(store.create('in-vain', x, 1, signal))
  await clock.advance(2_100)
  expect(await inVain).toBeInstanceOf(StoreError)
  expect(await inVain).toMatchObject({ reason: 'unreachable' })
  expect(await store.get('patient', signal)).toBeDefined()
  expect(store.health()).toContain('locked')
  other.run('COMMIT')
  expect(store.health()).toBe('ok')
})

test('looking into a file makes nothing and changes nothing', async () => {
  await using folder = await temporaryFolder()
  const path = join(folder.path, 'state.sqlite')
  const keys = async () => (await Array.fromAsync(peekSqlite(path, 'a.'))).map(({ key }) => key)
  expect(await keys()).toEqual([])
  expect(readdirSync(folder.path)).toEqual([])
  {
    await using store = await openSqliteStateStore(path, systemClock)
    for (const key of ['a.1', 'a.2', 'b.1']) await store.create(key, x, 1, signal)
  }
  expect((await keys()).toSorted()).toEqual(['a.1', 'a.2'])
  expect(await Array.fromAsync(peekSqlite(join(folder.path, 'no/where'), ''))).toEqual([])
  writeFileSync(join(folder.path, 'garbage'), 'no database '.repeat(100))
  expect(await rejection(Array.fromAsync(peekSqlite(join(folder.path, 'garbage'), '')))).toBeInstanceOf(Error)
})
