import { expect, test } from 'bun:test'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openUnfinished, removeUnfinished } from '../../build/unfinished.ts'

async function scratch() {
  const folder = await mkdtemp(join(tmpdir(), 'beamline-unfinished-'))
  return { folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) }
}

test('a folder for unfinished files goes with its build, and leaves those of other builds alone', async () => {
  await using its = await scratch()
  const other = `.unfinished-${process.ppid}-other`
  await mkdir(join(its.folder, other))
  {
    await using unfinished = await openUnfinished(its.folder)
    await writeFile(join(unfinished.path, 'half'), '')
    await using second = await openUnfinished(its.folder)
    expect(second.path).not.toBe(unfinished.path)
    expect(await readdir(its.folder)).toHaveLength(3)
  }
  expect(await readdir(its.folder)).toEqual([other])
})

test('those of builds that were killed go with the next one, and nothing else', async () => {
  await using its = await scratch()
  const killed = Bun.spawn(['true'])
  await killed.exited
  await mkdir(join(its.folder, `.unfinished-${killed.pid}-abc`))
  await writeFile(join(its.folder, `.unfinished-${killed.pid}-abc`, 'half'), '')
  await writeFile(join(its.folder, 'beamline'), '')
  await using unfinished = await openUnfinished(its.folder)
  expect(await readdir(its.folder)).toHaveLength(2)
  expect(unfinished.path).toStartWith(join(its.folder, `.unfinished-${process.pid}-`))
})

test('an interrupted build leaves nothing', async () => {
  await using its = await scratch()
  await using unfinished = await openUnfinished(its.folder)
  await writeFile(join(unfinished.path, 'half'), '')
  removeUnfinished()
  expect(await readdir(its.folder)).toEqual([])
})
