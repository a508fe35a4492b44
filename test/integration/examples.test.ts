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
