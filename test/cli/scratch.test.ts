import { afterAll, expect, test } from 'bun:test'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { chown } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { scratchDeadLetters } from '../../src/cli/scratch.ts'
import { ConfigError } from '../../src/errors.ts'

const top = mkdtempSync(join(tmpdir(), 'beamline-scratch-'))
afterAll(() => rmSync(top, { recursive: true }))

/** An empty temporary folder. */
const place = () => mkdtempSync(join(top, 'place-'))
const name = `beamline-${process.getuid?.()}`

const refusal = async (within: readonly string[]): Promise<string> => {
  const error: unknown = await scratchDeadLetters('run', within).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(ConfigError)
  return String(error)
}

test('the folder is private and empty, and is used again', async () => {
  const within = place()
  const path = await scratchDeadLetters('run', [within])
  expect(path).toBe(join(within, name, 'run-dead-letters.jsonl'))
  expect(statSync(dirname(path)).mode & 0o777).toBe(0o700)
  expect(readdirSync(dirname(path))).toEqual([])
  expect(await scratchDeadLetters('run', [within])).toBe(path)
})

test('where none can be made, the next place is taken; without one, TMPDIR is named', async () => {
  const [missing, within] = [join(top, 'missing'), place()]
  expect(dirname(dirname(await scratchDeadLetters('run', [missing, within])))).toBe(within)
  const problem = await refusal([missing])
  expect(problem).toContain('TMPDIR: no folder for dead letters: ')
  expect(problem).toContain('there is no such folder')
})

test('a folder that may be in the hands of others is refused, naming TMPDIR, and nothing else is tried', async () => {
  const [linked, open, file] = [place(), place(), place()]
  symlinkSync(place(), join(linked, name))
  mkdirSync(join(open, name))
  chmodSync(join(open, name), 0o770)
  writeFileSync(join(file, name), '')
  expect(await refusal([linked, place()])).toMatch(/TMPDIR: .* is not a folder/)
  expect(await refusal([open, place()])).toMatch(/TMPDIR: .* is open to others/)
  expect(await refusal([file, place()])).toMatch(/TMPDIR: .* is not a folder/)
  if (process.getuid?.() === 0) {
    // Only root can make what is somebody else's, and it is the same check for everybody.
    const foreign = place()
    mkdirSync(join(foreign, name), { mode: 0o700 })
    await chown(join(foreign, name), 12345, 12345)
    expect(await refusal([foreign])).toMatch(/TMPDIR: .* belongs to somebody else/)
  }
})
