import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { chmod, mkdir, mkdtemp, readFile, rename, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DeadLetterFile } from '../../src/dlq/dead-letter-file.ts'

let folder = ''
let path = ''

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'beamline-dlq-'))
  path = join(folder, 'letters.jsonl')
})

afterEach(() => rm(folder, { recursive: true, force: true }))

async function lines(at = path): Promise<string[]> {
  return (await readFile(at, 'utf8')).split('\n').slice(0, -1)
}

async function modeOf(at: string): Promise<string> {
  return ((await stat(at)).mode & 0o777).toString(8)
}

describe('the file', () => {
  test('is made for its owner only, as is its folder', async () => {
    const deep = join(folder, 'a', 'b', 'letters.jsonl')
    await new DeadLetterFile(deep).append('1\n')
    expect([await modeOf(deep), await modeOf(join(folder, 'a', 'b'))]).toEqual(['600', '700'])
  })

  test('of looser mode is closed to others', async () => {
    await writeFile(path, '1\n')
    await chmod(path, 0o644)
    await new DeadLetterFile(path).append('2\n')
    expect([await modeOf(path), await lines()]).toEqual(['600', ['1', '2']])
  })

  test('is not reached through a link', async () => {
    const target = join(folder, 'target')
    await writeFile(target, '')
    await symlink(target, path)
    const file = new DeadLetterFile(path)
    expect(file.append('1\n')).rejects.toThrow(`cannot write to ${path}`)
    await file[Symbol.asyncDispose]()
    expect(await readFile(target, 'utf8')).toBe('')
  })

  test('must be a regular file', async () => {
    await mkdir(path)
    expect(new DeadLetterFile(path).append('1\n')).rejects.toThrow(`cannot write to ${path}`)
    const fifo = join(folder, 'fifo')
    Bun.spawnSync(['mkfifo', fifo])
    const refusal: unknown = await new DeadLetterFile(fifo).append('1\n').catch((error: unknown) => error)
    expect(refusal).toMatchObject({ cause: { message: `${fifo} is not a regular file` } })
  })

  test.skipIf(process.getuid?.() !== 0)('must not belong to somebody else', async () => {
    await writeFile(path, '')
    Bun.spawnSync(['chown', '65534', path])
    const refusal: unknown = await new DeadLetterFile(path).append('1\n').catch((error: unknown) => error)
    expect(refusal).toMatchObject({ cause: { message: `${path} belongs to somebody else` } })
    expect(new DeadLetterFile(path).check()).rejects.toThrow('belongs to somebody else')
  })
})

describe('appending', () => {
  test('keeps the lines of several writers whole and in order', async () => {
    const writers = [new DeadLetterFile(path), new DeadLetterFile(path)]
    const line = (writer: number, number: number): string => `${writer} ${number} ${'x'.repeat(number * 37)}`
    const appends = writers.flatMap((file, writer) =>
      Array.from({ length: 100 }, (_, number) => file.append(`${line(writer, number)}\n`)),
    )
    await Promise.all(appends)
    const written = await lines()
    for (const writer of [0, 1]) {
      const own = written.filter((text) => text.startsWith(`${writer} `))
      expect(own).toEqual(Array.from({ length: 100 }, (_, number) => line(writer, number)))
    }
    expect(written.length).toBe(200)
  })

  test('closes a line that a crash cut short', async () => {
    await writeFile(path, '{"a":1}\n{"b":')
    const file = new DeadLetterFile(path)
    await Promise.all([file.append('{"c":1}\n'), file.append('{"d":1}\n')])
    expect(await lines()).toEqual(['{"a":1}', '{"b":', '{"c":1}', '{"d":1}'])
  })

  test('goes on in a new file when the old one was moved away', async () => {
    const file = new DeadLetterFile(path)
    await file.append('1\n')
    await rename(path, `${path}.old`)
    await file.append('2\n')
    expect([await lines(`${path}.old`), await lines()]).toEqual([['1'], ['2']])
    await truncate(path)
    await file.append('3\n')
    expect(await lines()).toEqual(['3'])
  })

  test('rejects every line that waits when the file cannot be written, and works again afterwards', async () => {
    await mkdir(path)
    const file = new DeadLetterFile(path)
    const outcomes = await Promise.allSettled([file.append('1\n'), file.append('2\n')])
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    await rm(path, { recursive: true })
    await file.append('3\n')
    expect(await lines()).toEqual(['3'])
  })

  test('is finished when the file is disposed of', async () => {
    const appends: Promise<void>[] = []
    {
      await using file = new DeadLetterFile(path)
      for (let number = 0; number < 50; number++) appends.push(file.append(`${number}\n`))
    }
    expect((await lines()).length).toBe(50)
    await Promise.all(appends)
  })
})

test('checking creates the file and writes nothing', async () => {
  await new DeadLetterFile(path).check()
  expect((await stat(path)).size).toBe(0)
})
