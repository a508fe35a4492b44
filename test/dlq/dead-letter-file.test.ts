import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DeadLetterFile } from '../../src/dlq/dead-letter-file.ts'
import { ProcessLock } from '../../src/dlq/process-lock.ts'
import { RotatedFiles } from '../../src/dlq/rotated-files.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { rejection } from '../contract/bus-world.ts'

const clock = systemClock
let folder = ''
let path = ''
let opened = new AsyncDisposableStack()

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'beamline-dlq-'))
  path = join(folder, 'letters.jsonl')
  opened = new AsyncDisposableStack()
})

afterEach(async () => {
  await opened.disposeAsync()
  await rm(folder, { recursive: true, force: true })
})

interface Small {
  readonly at?: string
  readonly rotateBytes?: number
  readonly totalBytes?: number
  readonly rotations?: number
}

function openFile({ at = path, rotateBytes = 1e9, totalBytes = 1e9, rotations = 5 }: Small = {}) {
  const lock = opened.use(new ProcessLock(`${path}.lock`, clock))
  const limits = { rotateBytes, totalBytes, rotations, lineBytes: rotateBytes, ageMs: undefined }
  const files = new RotatedFiles({ path: at, limits, fsync: true, clock, log: undefined })
  const totals = { totalBytes: () => Promise.resolve(totalBytes), onWritten: () => undefined }
  const file = opened.use(new DeadLetterFile({ files, lock, fsync: true, ...totals }))
  return { files, append: (text: string, signal?: AbortSignal) => file.append(Buffer.from(`${text}\n`), signal) }
}

async function lines(at = path): Promise<string[]> {
  return (await readFile(at, 'utf8')).split('\n').slice(0, -1)
}

async function modeOf(at: string): Promise<string> {
  return ((await stat(at)).mode & 0o777).toString(8)
}

describe('the file', () => {
  test('is made for its owner only, as are its folder and what is put aside', async () => {
    const deep = join(folder, 'a', 'b', 'letters.jsonl')
    const { append, files } = openFile({ at: deep, rotateBytes: 3 })
    await append('1')
    await append('2')
    const paths = await files.paths()
    expect(paths.length).toBe(2)
    expect(await Promise.all([join(folder, 'a', 'b'), ...paths].map(modeOf))).toEqual(['700', '600', '600'])
    expect(await modeOf(`${path}.lock`)).toBe('600')
  })

  test('of looser mode is closed to others', async () => {
    await writeFile(path, '1\n')
    await chmod(path, 0o644)
    await openFile().append('2')
    expect([await modeOf(path), await lines()]).toEqual(['600', ['1', '2']])
  })

  test('is not reached through a link', async () => {
    const target = join(folder, 'target')
    await writeFile(target, '')
    await symlink(target, path)
    expect(await rejection(openFile().append('1'))).toMatchObject({ message: `cannot write to ${path}` })
    expect(await readFile(target, 'utf8')).toBe('')
  })

  test('must be a regular file', async () => {
    await mkdir(path)
    expect(await rejection(openFile().append('1'))).toMatchObject({ message: `cannot write to ${path}` })
    const fifo = join(folder, 'fifo')
    Bun.spawnSync(['mkfifo', fifo])
    const refusal = await rejection(openFile({ at: fifo }).append('1'))
    expect(refusal).toMatchObject({ cause: { message: `${fifo} is not a regular file` } })
  })

  test.skipIf(process.getuid?.() !== 0)('must not belong to somebody else', async () => {
    await writeFile(path, '')
    Bun.spawnSync(['chown', '65534', path])
    const refusal = await rejection(openFile().append('1'))
    expect(refusal).toMatchObject({
      cause: { message: expect.stringContaining(`${path} belongs to somebody else: user 65534,`) },
    })
  })
})

describe('appending', () => {
  test('keeps the lines of several writers whole and in order', async () => {
    const writers = [openFile(), openFile()]
    const line = (writer: number, number: number): string => `${writer} ${number} ${'x'.repeat(number * 37)}`
    const appends = writers.flatMap(({ append }, writer) =>
      Array.from({ length: 100 }, (_, number) => append(line(writer, number))),
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
    const { append } = openFile()
    await Promise.all([append('{"c":1}'), append('{"d":1}')])
    expect(await lines()).toEqual(['{"a":1}', '{"b":', '{"c":1}', '{"d":1}'])
  })

  test('goes on in a new file when the old one was moved away', async () => {
    const { append } = openFile()
    await append('1')
    await rename(path, `${path}.old`)
    await append('2')
    expect([await lines(`${path}.old`), await lines()]).toEqual([['1'], ['2']])
    await truncate(path)
    await append('3')
    expect(await lines()).toEqual(['3'])
  })

  test('goes on when somebody empties the folder', async () => {
    const { append } = openFile()
    await append('1')
    await rm(folder, { recursive: true })
    await append('2')
    expect(await lines()).toEqual(['2'])
  })

  test('rejects every line that waits when the file cannot be written, and works again afterwards', async () => {
    await mkdir(path)
    const { append } = openFile()
    const outcomes = await Promise.allSettled([append('1'), append('2')])
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    await rm(path, { recursive: true })
    await append('3')
    expect(await lines()).toEqual(['3'])
  })

  test('writes nothing that nobody waits for any more', async () => {
    const { append } = openFile()
    const gone = rejection(append('1', AbortSignal.abort(new Error('gone'))))
    await append('2')
    expect([await gone, await lines()]).toEqual([new Error('gone'), ['2']])
  })
})

describe('putting the file aside', () => {
  test('splits no line, and keeps the newest', async () => {
    const { append, files } = openFile({ rotateBytes: 100, rotations: 3 })
    const all = Array.from({ length: 60 }, (_, n) => `${n} ${'x'.repeat(n % 50)}`)
    for (const line of all) await append(line)
    const paths = await files.paths()
    expect(paths.length).toBe(4)
    const kept = (await Promise.all(paths.toReversed().map((each) => lines(each)))).flat()
    expect(kept).toEqual(all.slice(-kept.length))
    for (const each of paths) expect((await stat(each)).size).toBeLessThanOrEqual(100)
  })

  test('stays within the total', async () => {
    const { append, files } = openFile({ rotateBytes: 100, totalBytes: 250, rotations: 100 })
    for (let n = 0; n < 100; n++) {
      await append(`${n} ${'x'.repeat(n % 70)}`)
      expect(await files.bytes()).toBeLessThanOrEqual(250)
    }
    expect(await files.bytes()).toBeGreaterThan(150)
  })

  test('gives names that sort, whatever the clock does, and touches no others', async () => {
    const others = ['.old', '.20260101T000000Z', '.20261301T000000000Z', '.rejected'].map((end) => `${path}${end}`)
    for (const other of others) await writeFile(other, 'x'.repeat(1000))
    await symlink(others[0] ?? '', `${path}.20000101T000000000Z`)
    await writeFile(`${path}.29990101T000000000Z`, '0\n')
    const { append, files } = openFile({ rotateBytes: 3, totalBytes: 9 })
    for (let n = 1; n < 9; n++) await append(`${n}`)
    const paths = await files.paths()
    expect(paths).toEqual([path, ...['007', '006', '005'].map((ms) => `${path}.29990101T000000${ms}Z`)])
    expect(await Promise.all(paths.map((each) => lines(each)))).toEqual([['8'], ['7'], ['6'], ['5']])
    const left = await readdir(folder)
    for (const other of [...others, `${path}.20000101T000000000Z`])
      expect(left).toContain(other.slice(folder.length + 1))
  })

  test('writes a line that is larger than a file into one of its own', async () => {
    const { append, files } = openFile({ rotateBytes: 10, totalBytes: 54 })
    for (const line of ['1', 'x'.repeat(50), '2']) await append(line)
    expect(await Promise.all((await files.paths()).map((each) => lines(each)))).toEqual([['2'], ['x'.repeat(50)]])
  })
})
