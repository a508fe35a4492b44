import { afterAll, beforeAll, expect, test } from 'bun:test'
import { lstat, lutimes, mkdtemp, readdir, readlink, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../../src/lib/clock.ts'
import { type Folder, openOutermost, systemHolding } from '../../../src/services/blobs/folder.ts'
import { lockNames, nameKey, temporaryName } from '../../../src/services/blobs/own-names.ts'
import { type Hold, PathLocks } from '../../../src/services/blobs/path-lock.ts'
import { lifeOf, processMark } from '../../../src/services/blobs/process-mark.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { never, refusal } from './blob-rig.ts'

let path = ''
let folder: Folder
let mark = ''
const foreignMark = `${'0'.repeat(12)}-1-1`
beforeAll(async () => {
  path = await mkdtemp(join(tmpdir(), 'beamline-locks-'))
  folder = await openOutermost(path, systemHolding)
  mark = await processMark()
})
afterAll(async () => {
  await folder[Symbol.asyncDispose]()
  await rm(path, { recursive: true })
})

let names = 0
/** A name that no other test locks. */
function newName() {
  const key = nameKey(String(names++))
  return { locked: { folder, place: '', key }, lock: join(path, lockNames(key).lock), token: temporaryName(mark) }
}

async function deadMark(): Promise<string> {
  const child = Bun.spawn(['true'])
  await child.exited
  return mark.replace(/-[0-9]+-/, `-${child.pid}-`)
}

test('one at a time, in the order in which they came', async () => {
  const locks = new PathLocks(systemClock)
  const { locked, token } = newName()
  const order: number[] = []
  const hold = async (n: number): Promise<void> => {
    await using _hold = await locks.hold(locked, token, never)
    order.push(n)
  }
  await Promise.all([0, 1, 2, 3, 4].map(hold))
  expect(order).toEqual([0, 1, 2, 3, 4])
  expect(await readdir(path)).toEqual([])
})

test('whoever waits can be called off, in line and before another process', async () => {
  const locks = new PathLocks(systemClock)
  const { locked, token } = newName()
  await using first = await locks.hold(locked, token, never)
  for (const other of [locks, new PathLocks(systemClock)]) {
    const stop = new AbortController()
    const waiting = other.hold(locked, token, stop.signal).catch((thrown: unknown) => thrown)
    stop.abort('called off')
    expect(await waiting).toBe('called off')
  }
  const next = locks.hold(locked, token, never)
  await first[Symbol.asyncDispose]()
  await first[Symbol.asyncDispose]()
  await (await next)[Symbol.asyncDispose]()
})

test('another process has its turn when the lock is given back', async () => {
  const [one, other] = [new PathLocks(systemClock), new PathLocks(systemClock)]
  const { locked, lock, token } = newName()
  const hold = await one.hold(locked, token, never)
  let held: Hold | undefined
  const waiting = other.hold(locked, temporaryName(mark), never).then((got) => {
    held = got
  })
  expect(await readlink(lock)).toBe(token)
  expect(held).toBeUndefined()
  await hold[Symbol.asyncDispose]()
  await waiting
  expect(await readlink(lock)).not.toBe(token)
  await held?.[Symbol.asyncDispose]()
})

test('a lock that is kept for too long is given up', async () => {
  const clock = new FakeClock(Date.now())
  const { locked, token } = newName()
  await using _first = await new PathLocks(systemClock).hold(locked, token, never)
  const waiting = refusal(new PathLocks(clock).hold(locked, token, never))
  const told: unknown[] = []
  void waiting.then((refused) => told.push(refused))
  while (told.length === 0) await clock.advance(100)
  expect(told).toEqual([{ code: 'RESOURCE_UNAVAILABLE', details: { reason: 'locked' } }])
  expect(clock.monotonic()).toBeGreaterThanOrEqual(10_000)
})

test('the lock of a process that has ended is broken at once, and its file goes first', async () => {
  const { locked, lock, token } = newName()
  const left = temporaryName(await deadMark())
  await writeFile(join(path, left), 'about to be put in place')
  await symlink(left, lock)
  await using _hold = await new PathLocks(systemClock).hold(locked, token, never)
  expect(await readdir(path)).not.toContain(left)
  expect(await readlink(lock)).toBe(token)
})

test('the lock of a process that cannot be looked for is broken after its lease', async () => {
  const { locked, lock, token } = newName()
  const left = temporaryName(foreignMark)
  await writeFile(join(path, left), 'about to be put in place')
  await symlink(left, lock)
  const locks = new PathLocks(systemClock)
  expect(await locks.breakLeft(locked, token)).toBe(false)
  const longAgo = new Date(Date.now() - 31_000)
  await lutimes(lock, longAgo, longAgo)
  await using _hold = await locks.hold(locked, token, never)
  expect(await readdir(path)).not.toContain(left)
})

test('a lock that was broken is not taken from whoever has it now', async () => {
  const clock = new FakeClock(Date.now())
  const { locked, lock, token } = newName()
  const hold = await new PathLocks(clock).hold(locked, token, never)
  await clock.advance(16_000)
  await rm(lock)
  await symlink('of another', lock)
  await hold[Symbol.asyncDispose]()
  expect((await lstat(lock)).isSymbolicLink()).toBe(true)
  await rm(lock)
})

test('a lock names no file elsewhere', async () => {
  const { locked, lock, token } = newName()
  await writeFile(join(path, '..', `kept-${token}`), '')
  await symlink(`../kept-${token}`, lock)
  const longAgo = new Date(Date.now() - 31_000)
  await lutimes(lock, longAgo, longAgo)
  await using _hold = await new PathLocks(systemClock).hold(locked, token, never)
  await rm(join(path, '..', `kept-${token}`))
})

test('processes are known by their marks', async () => {
  expect(await lifeOf(mark)).toBe('alive')
  expect(await lifeOf(await deadMark())).toBe('dead')
  expect(await lifeOf(foreignMark)).toBe('unknown')
  expect(await lifeOf('')).toBe('unknown')
  if (process.platform === 'linux') expect(await lifeOf(mark.replace(/[0-9]+$/, '1'))).toBe('dead')
})
