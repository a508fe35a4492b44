import { expect, test } from 'bun:test'
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { runBeamline, startBeamline } from '../support/beamline-process.ts'
import { startPostgres } from '../support/postgres.ts'

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

test('the jobs on files of the examples succeed one after another, and are those that docs/blobs.md shows', async () => {
  const run = await runBeamline(['run', `${root}/examples/blobs.jsonl`], { WORKER_MAX_CONCURRENCY: '1' })
  expect(run).toMatchObject({ code: 0 })
  // Each line is a result.
  const outputs = run.stdout.map((line) => (JSON.parse(line) as { readonly output: unknown }).output)
  expect(outputs).toMatchObject([
    { path: 'examples/hello.txt', size: 5, created: true },
    { content: 'hello', content_type: 'text/plain' },
    { bytes: Buffer.from('ell').toString('base64'), range: { start: 1, end: 4 }, size: 5 },
    { path: 'examples/copy.txt', size: 5 },
    { size: 16 },
    42,
    { items: [{ path: 'examples/copy.txt' }, { path: 'examples/hello.txt' }, { path: 'examples/script.json' }] },
    { path: 'examples/copy.txt', content_type: 'text/plain' },
    { deleted: true },
  ])
  const jobs = await readFile(`${root}/examples/blobs.jsonl`, 'utf8')
  expect(await readFile(`${root}/docs/blobs.md`, 'utf8')).toContain(jobs)
}, 30_000)

test('the sql jobs of the examples succeed on a server of their own, and are those that docs/sql.md shows', async () => {
  await using server = await startPostgres()
  const run = await runBeamline(['run', `${root}/examples/sql.jsonl`], { DATABASE_URL: server.url })
  expect(run).toMatchObject({ code: 0 })
  // Each line is a result.
  const outputs = run.stdout.map((line) => (JSON.parse(line) as { readonly output: unknown }).output)
  expect(outputs).toBeArrayOfSize(4)
  expect(outputs).toContainEqual({ rows: [{ n: 42 }], row_count: 1, rows_affected: 0 })
  expect(outputs).toContainEqual({ value: true, row_count: 1, rows_affected: 0 })
  expect(JSON.stringify(outputs)).toContain('"rows":[{"text":"hello"}]')
  const jobs = await readFile(`${root}/examples/sql.jsonl`, 'utf8')
  expect(await readFile(`${root}/docs/sql.md`, 'utf8')).toContain(jobs)
}, 60_000)
