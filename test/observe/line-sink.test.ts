import { describe, expect, test } from 'bun:test'
import { closeSync, constants, mkdtempSync, openSync, readFileSync, readSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openLineSink } from '../../src/observe/line-sink.ts'
import { FakeClock } from '../support/fake-clock.ts'

/** A file to write to, gone afterwards. */
function openFile() {
  const folder = mkdtempSync(join(tmpdir(), 'beamline-log-'))
  const path = join(folder, 'log')
  const fd = openSync(path, 'w')
  return {
    fd,
    text: () => readFileSync(path, 'utf8'),
    [Symbol.dispose]() {
      closeSync(fd)
      rmSync(folder, { recursive: true })
    },
  }
}

/** A pipe that does not block, with nobody reading until `read` is called. */
function openPipe() {
  const folder = mkdtempSync(join(tmpdir(), 'beamline-log-'))
  const path = join(folder, 'pipe')
  Bun.spawnSync(['mkfifo', path])
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  const fd = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK)
  const buffer = Buffer.alloc(1 << 20)
  return {
    fd,
    read: () => buffer.toString('utf8', 0, readSync(reader, buffer)),
    [Symbol.dispose]() {
      closeSync(fd)
      closeSync(reader)
      rmSync(folder, { recursive: true })
    },
  }
}

/** A program that writes through a sink to its standard output. */
function program(body: string): string {
  const from = (path: string): string => JSON.stringify(join(import.meta.dir, '../../src', path))
  return `
    import { writeSync } from 'node:fs'
    import { systemClock } from ${from('lib/clock.ts')}
    import { openLineSink } from ${from('observe/line-sink.ts')}
    const sink = openLineSink(1, systemClock, () => undefined)
    ${body}`
}

const endAtOnce = program(`sink.write('last words'); process.exit(7)`)
const flood = program(`
  for (let i = 0; i < 20_000; i += 1) sink.write('line ' + i)
  sink.flush()
  writeSync(2, 'done\\n')`)

const never = (): void => {
  throw new Error('no line is lost here')
}

describe('a line sink', () => {
  test('gathers lines for at most 200 ms', async () => {
    using file = openFile()
    const clock = new FakeClock()
    using sink = openLineSink(file.fd, clock, never)
    sink.write('one')
    sink.write('two')
    expect(file.text()).toBe('')
    await clock.advance(200)
    expect(file.text()).toBe('one\ntwo\n')
    expect(clock.pending).toBe(0)
  })

  test('writes at once when much has gathered, when asked, and when it is closed', () => {
    using file = openFile()
    const clock = new FakeClock()
    const sink = openLineSink(file.fd, clock, never)
    sink.write('x'.repeat(100_000))
    expect(file.text().length).toBe(100_001)
    sink.write('asked')
    sink.flush()
    expect(file.text()).toEndWith('asked\n')
    sink.write('closed')
    sink[Symbol.dispose]()
    expect(file.text()).toEndWith('closed\n')
    expect(clock.pending).toBe(0)
  })

  test('writes the rest when the process ends without a word', async () => {
    const child = Bun.spawn([process.execPath, '-e', endAtOnce], {
      stdout: 'pipe',
      stderr: 'inherit',
    })
    expect(await new Response(child.stdout).text()).toBe('last words\n')
    expect(await child.exited).toBe(7)
  })

  test('a reader that went away ends nothing', async () => {
    const child = Bun.spawn(['sh', '-c', `"$0" -e "$1" | head -n 1`, process.execPath, flood], {
      stdout: 'pipe',
      stderr: 'pipe',
    })
    expect(await new Response(child.stdout).text()).toBe('line 0\n')
    expect(await new Response(child.stderr).text()).toBe('done\n')
  })

  test('all lines arrive in order through a pipe that is read slowly', async () => {
    const child = Bun.spawn([process.execPath, '-e', flood], {
      stdout: 'pipe',
      stderr: 'ignore',
    })
    const lines = (await new Response(child.stdout).text()).trimEnd().split('\n')
    expect(lines).toEqual(Array.from({ length: 20_000 }, (_, i) => `line ${i}`))
    await child.exited
  })

  test('a reader that stops reading holds up nobody: lines wait, in order, and then go on', async () => {
    using pipe = openPipe()
    const clock = new FakeClock()
    using sink = openLineSink(pipe.fd, clock, never)
    const lines = Array.from({ length: 300 }, (_, i) => `${i} ${'x'.repeat(1000)}`)
    for (const line of lines) sink.write(line)
    let text = ''
    while (!text.endsWith(`${lines.at(-1)}\n`)) {
      text += pipe.read()
      await clock.advance(200)
    }
    expect(text.trimEnd().split('\n')).toEqual(lines)
  })

  test('what waits for such a reader is bounded; what is dropped is counted', async () => {
    using pipe = openPipe()
    const clock = new FakeClock()
    const losses: number[] = []
    using sink = openLineSink(pipe.fd, clock, (lines) => losses.push(lines))
    const megabyte = 'x'.repeat(1_000_000)
    for (let i = 0; i < 20; i += 1) sink.write(megabyte)
    let read = 0
    while (losses.length === 0) {
      read += pipe.read().length
      await clock.advance(200)
    }
    expect(losses).toEqual([20 - Math.round(read / 1_000_001)])
    expect(losses[0]).toBeWithin(1, 5)
  })
})
