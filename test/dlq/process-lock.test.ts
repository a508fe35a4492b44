import { expect, test } from 'bun:test'
import { chmod, mkdtemp, rm, stat, symlink, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { ProcessLock } from '../../src/dlq/process-lock.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { rejection } from '../contract/bus-world.ts'
import { startLetterWriter } from '../support/letter-writer.ts'

async function lockFile(): Promise<AsyncDisposable & { readonly path: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'beamline-lock-'))
  return { path: join(folder, 'dlq.lock'), [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) }
}

test('is held by one at a time, and given on when the work fails', async () => {
  await using file = await lockFile()
  await using one = new ProcessLock(file.path, systemClock)
  await using other = new ProcessLock(file.path, systemClock)
  let [inside, most, done] = [0, 0, 0]
  const work = async (): Promise<void> => {
    most = Math.max(most, ++inside)
    await new Promise<void>((resolve) => systemClock.soon(resolve))
    inside -= 1
    if (++done % 3 === 0) throw new Error('failed')
  }
  const outcomes = await Promise.allSettled(Array.from({ length: 30 }, (_, n) => (n % 2 ? one : other).hold(work)))
  expect([most, done]).toEqual([1, 30])
  expect(outcomes.filter(({ status }) => status === 'rejected').length).toBe(10)
  expect((await stat(file.path)).size).toBe(0)
})

test('of a process that is killed is free again', async () => {
  await using file = await lockFile()
  await using lock = new ProcessLock(file.path, systemClock)
  const child = startLetterWriter({ do: 'hold', path: file.path })
  for await (const _ of child.stdout) break
  const order: string[] = []
  const held = lock.hold(async () => order.push('held'))
  order.push('killed')
  child.kill('SIGKILL')
  await held
  expect(order).toEqual(['killed', 'held'])
  await child.exited
})

test('that another process keeps is not waited for without end', async () => {
  await using file = await lockFile()
  const child = startLetterWriter({ do: 'hold', path: file.path })
  for await (const _ of child.stdout) break
  let now = 0
  const hasty = { ...systemClock, monotonic: () => (now += 100) }
  await using lock = new ProcessLock(file.path, hasty)
  const refusal = await rejection(lock.hold(async () => undefined))
  expect(refusal).toMatchObject({ message: `another process keeps ${file.path} locked` })
  const ending = new AbortController()
  const waiting = rejection(lock.hold(async () => undefined, ending.signal))
  ending.abort(new Error('enough'))
  expect(await waiting).toEqual(new Error('enough'))
  child.kill('SIGKILL')
  await child.exited
})

test('is made anew when somebody removes it', async () => {
  await using file = await lockFile()
  await using one = new ProcessLock(file.path, systemClock)
  await using other = new ProcessLock(file.path, systemClock)
  await one.hold(async () => undefined)
  await unlink(file.path)
  await other.hold(async () => undefined)
  let inside = 0
  const work = async (): Promise<void> => {
    expect(++inside).toBe(1)
    await new Promise<void>((resolve) => systemClock.soon(resolve))
    inside -= 1
  }
  await Promise.all([one.hold(work), other.hold(work), one.hold(work)])
})

test('is a file of ours, and nothing else', async () => {
  await using file = await lockFile()
  const refusal = async (): Promise<unknown> => {
    await using lock = new ProcessLock(file.path, systemClock)
    return await rejection(lock.hold(async () => undefined))
  }
  await symlink('/dev/null', file.path)
  expect(await refusal()).toMatchObject({ message: `${file.path} is a link` })
  await unlink(file.path)
  await writeFile(file.path, 'something')
  expect(await refusal()).toMatchObject({ message: `${file.path} belongs to another program` })
  await writeFile(file.path, '')
  await chmod(file.path, 0o644)
  expect(await refusal()).toBeUndefined()
  expect((await stat(file.path)).mode & 0o777).toBe(0o600)
})

test('may be in a folder that is reached by a link, and is the same one there', async () => {
  await using file = await lockFile()
  await using link = await lockFile()
  const through = join(dirname(link.path), 'link')
  await symlink(dirname(file.path), through)
  await using one = new ProcessLock(file.path, systemClock)
  await using other = new ProcessLock(join(through, basename(file.path)), systemClock)
  const order: string[] = []
  let second: Promise<unknown> | undefined
  await one.hold(async () => {
    second = other.hold(async () => order.push('second'))
    await new Promise<void>((resolve) => systemClock.soon(resolve))
    order.push('first')
  })
  await second
  expect(order).toEqual(['first', 'second'])
})
