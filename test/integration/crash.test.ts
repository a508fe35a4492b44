import { afterAll, expect, test } from 'bun:test'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { startBeamline } from '../support/beamline-process.ts'

const folder = mkdtempSync(join(tmpdir(), 'beamline-crash-'))
afterAll(() => rmSync(folder, { recursive: true }))

test.each([
  ['rejection', `void Promise.reject(new Error('planted'))`],
  ['exception', `queueMicrotask(() => { throw new Error('planted') })`],
])('a %s that nobody catches is logged, the process drains and ends with 1', async (how, crash) => {
  const planted = join(folder, `${how}.ts`)
  writeFileSync(planted, `process.on('SIGUSR2', () => { ${crash} })`)
  const program = [process.execPath, '--preload', planted, resolve(import.meta.dir, '../../src/main.ts')]
  await using beamline = await startBeamline(['dev'], {}, { program })
  await beamline.ready()
  process.kill(beamline.pid, 'SIGUSR2')
  expect(await beamline.exited).toBe(1)
  const lines = beamline.logs()
  expect(lines.map(({ message }) => message)).toEqual(expect.arrayContaining(['Unexpected error; draining', 'Drained']))
  expect(lines.find(({ level }) => level === 'ERROR')).toMatchObject({ context: { error: { message: 'planted' } } })
})
