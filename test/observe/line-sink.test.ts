import { describe, expect, test } from 'bun:test'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
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
    const child = Bun.spawn([process.execPath, join(import.meta.dir, 'line-sink-child.ts')], {
      stdout: 'pipe',
      stderr: 'inherit',
    })
    expect(await new Response(child.stdout).text()).toBe('last words\n')
    expect(await child.exited).toBe(7)
  })

  test('a reader that went away ends nothing', async () => {
    const program = join(import.meta.dir, 'line-sink-child.ts')
    const child = Bun.spawn(['sh', '-c', `"$0" "$1" flood | head -n 1`, process.execPath, program], {
      stdout: 'pipe',
      stderr: 'pipe',
    })
    expect(await new Response(child.stdout).text()).toBe('line 0\n')
    expect(await new Response(child.stderr).text()).toBe('done\n')
  })

  test('all lines arrive in order through a pipe that is read slowly', async () => {
    const child = Bun.spawn([process.execPath, join(import.meta.dir, 'line-sink-child.ts'), 'flood'], {
      stdout: 'pipe',
      stderr: 'ignore',
    })
    const lines = (await new Response(child.stdout).text()).trimEnd().split('\n')
    expect(lines).toEqual(Array.from({ length: 20_000 }, (_, i) => `line ${i}`))
    await child.exited
  })
})
