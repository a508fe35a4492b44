/** Who only looks at dead letters, or is not meant to have them, makes nothing that would shut out the worker. */
import { describe, expect, test } from 'bun:test'
import { chown, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openDeadLetterStores } from '../../src/dlq/dead-letter-stores.ts'
import { tryFileDeadLetters } from '../../src/dlq/file-dead-letters.ts'
import { lockPath, rejectedPath } from '../../src/dlq/file-names.ts'
import { areFilesStanding } from '../../src/dlq/standing-files.ts'
import { ConfigError } from '../../src/errors.ts'
import { rejection } from '../contract/bus-world.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { allOf, letter } from '../support/letters.ts'
import { MemoryDeadLetters } from '../support/memory-dead-letters.ts'
import { saidLog } from '../support/said-log.ts'
import { fileWorld, settingsFor } from './file-world.ts'

function look(path: string, stream?: MemoryDeadLetters) {
  const config = { deadLetters: { ...settingsFor(path), ...(stream && { stream: 'DLQ' }) } }
  const bus = stream && { deadLetters: { open: () => stream } }
  return openDeadLetterStores({ config, bus, clock: new FakeClock(), log: saidLog().log, existing: true })
}

describe('looking', () => {
  test('at a path where nothing is says so, and makes nothing', async () => {
    await using world = await fileWorld()
    for (const path of [world.path, join(world.folder, 'no', 'such', 'dlq.jsonl')]) {
      const refusal = await rejection(look(path))
      expect(refusal).toBeInstanceOf(ConfigError)
      expect(refusal).toMatchObject({ problems: [expect.stringContaining(`no files of dead letters at ${path}`)] })
    }
    expect(await readdir(world.folder)).toEqual([])
  })

  test('at a stream needs no files, and makes none', async () => {
    await using world = await fileWorld()
    const stream = new MemoryDeadLetters()
    const record = letter()
    await stream.write(record)
    await using store = await look(world.path, stream)
    expect((await allOf(store)).map(({ record: { id } }) => id)).toEqual([record.id])
    expect(await readdir(world.folder)).toEqual([])
  })

  test('opens what a worker has left, whatever of it is still there', async () => {
    await using world = await fileWorld()
    const record = letter()
    await (await world.open()).write(record)
    await rm(lockPath(world.path))
    await rm(rejectedPath(world.path))
    await using store = await look(world.path)
    expect((await allOf(store)).length).toBe(1)
    await using other = await fileWorld()
    await writeFile(`${other.path}.20260102T030405006Z`, '')
    expect(await areFilesStanding(other.path)).toBe(true)
  })
})

describe('files that are not ours', () => {
  test('as a link', async () => {
    await using world = await fileWorld()
    await symlink('elsewhere', world.path)
    expect(await rejection(tryFileDeadLetters(world.path))).toMatchObject({
      problems: [`DLQ_PATH: ${world.path} is a link`],
    })
  })

  test.if(process.getuid?.() === 0)('are refused by name of their owner, and nothing is made beside them', async () => {
    await using world = await fileWorld()
    await writeFile(world.path, '')
    await chown(world.path, 65_534, 65_534)
    for (const refusal of [await rejection(look(world.path)), await rejection(tryFileDeadLetters(world.path))]) {
      const words = `DLQ_PATH: ${world.path} belongs to somebody else: user 65534, and this runs as user 0`
      expect(refusal).toMatchObject({ problems: [words] })
    }
    expect(await readdir(world.folder)).toEqual(['dlq.jsonl'])
  })
})
