import { expect, test } from 'bun:test'
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { runBeamline, startBeamline } from '../support/beamline-process.ts'

const root = resolve(import.meta.dir, '../..')

test('the http jobs of the examples succeed against `beamline dev`, and are those that docs/http.md shows', async () => {
  await using dev = await startBeamline(['dev'])
  const { port } = new URL(await dev.ready())
  const jobs = await readFile(`${root}/examples/http.jsonl`, 'utf8')
  const run = await runBeamline(['run', '-'], {}, { stdin: jobs.replaceAll(':9091', `:${port}`) })
  expect(run).toMatchObject({ code: 0 })
  expect(run.stdout.length).toBe(jobs.trim().split('\n').length)
  expect(await readFile(`${root}/docs/http.md`, 'utf8')).toContain(jobs)
}, 30_000)

test('the scripts of the examples succeed, and are those that docs/scripts.md shows', async () => {
  const run = await runBeamline(['run', `${root}/examples/scripts.jsonl`])
  expect(run).toMatchObject({ code: 0 })
  // Each line is a result.
  const outputs = run.stdout.map((line) => (JSON.parse(line) as { readonly output: unknown }).output)
  const expected = [42, { value: { total: 5 }, logs: ['items: 2'] }, 'user-1,user-2', 'Ada']
  expect(outputs).toBeArrayOfSize(expected.length)
  expect(outputs).toEqual(expect.arrayContaining(expected))
  const jobs = await readFile(`${root}/examples/scripts.jsonl`, 'utf8')
  expect(await readFile(`${root}/docs/scripts.md`, 'utf8')).toContain(jobs)
}, 30_000)
