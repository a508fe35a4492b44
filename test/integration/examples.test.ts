import { expect, test } from 'bun:test'
import { readdir, readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { runBeamline, startBeamline } from '../support/beamline-process.ts'
import { eventually } from '../support/eventually.ts'
import { startNats } from '../support/nats-server.ts'
import { startPostgres } from '../support/postgres.ts'

const root = resolve(import.meta.dir, '../..')
const runtimes = ['node', 'bun'].filter((name) => Bun.which(name) !== null)

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

test('the jobs of the demo succeed', async () => {
  const run = await runBeamline(['run', `${root}/examples/demo.jsonl`])
  expect(run).toMatchObject({ code: 0, stderr: [] })
  expect(run.stdout.length).toBe(5)
}, 30_000)

test('the questions of the examples wait on NATS until people have answered, and are those that docs/approvals.md shows', async () => {
  await using server = await startNats()
  const settings = { NATS_URL: server.url, API_TOKEN: 'token' }
  await using worker = await startBeamline(['start'], { ...settings, JETSTREAM: 'require' })
  const url = await worker.ready()
  const approvals = (...args: readonly string[]) => runBeamline(['approvals', ...args, '--url', url], settings)
  const asked = await runBeamline(['submit', '--no-wait', `${root}/examples/approvals.jsonl`], settings)
  expect(asked).toMatchObject({ code: 0, stdout: ['{"assignment_id":"release-4.2"}', '{"assignment_id":"refund-17"}'] })
  await eventually(async () => (await approvals('list')).stdout.length === 2)
  const { stdout: rows } = await approvals('list')
  const idOf = (prompt: string): string => /ap_\w+/.exec(rows.find((row) => row.endsWith(prompt)) ?? '')?.[0] ?? ''
  const release = await approvals('approve', idOf('Release 4.2?'), '--as', 'ann')
  expect(release).toMatchObject({ code: 0 })
  const refund = ['approve', idOf('Refund order 17?'), '--option', 'Voucher', '--as'] as const
  for (const person of ['ann', 'cleo']) expect(await approvals(...refund, person)).toMatchObject({ code: 0 })
  const headers = { authorization: 'Bearer token' }
  const stateOf = async (id: string): Promise<unknown> => (await fetch(`${url}/v1/jobs/${id}`, { headers })).json()
  for (const [id, decision] of [
    ['release-4.2', 'Approve'],
    ['refund-17', 'Voucher'],
  ] as const) {
    await eventually(async () => JSON.stringify(await stateOf(id)).includes('"done"'))
    expect(await stateOf(id)).toMatchObject({ result: { status: 'success', output: { decision, approved: true } } })
  }
  const jobs = await readFile(`${root}/examples/approvals.jsonl`, 'utf8')
  expect(await readFile(`${root}/docs/approvals.md`, 'utf8')).toContain(jobs)
}, 60_000)

test.each(runtimes)(
  'the client of the examples gets its result: %s',
  async (runtime) => {
    await using dev = await startBeamline(['dev'])
    const url = await dev.ready()
    const send = (...args: readonly string[]) =>
      runBeamline([url, ...args], {}, { program: [runtime, `${root}/examples/client.mjs`] })
    expect(await send()).toMatchObject({ code: 0, stdout: ['success {"hello":"world"}'] })
    expect(await send('{"type":"javascript","payload":{"code":"1 +"}}')).toMatchObject({ code: 1 })
    expect(await send('{"type":"none"}')).toMatchObject({ code: 1, stderr: ['400 The job type is unknown.'] })
  },
  30_000,
)

test('every example is run by a test of this file', async () => {
  const own = await readFile(import.meta.path, 'utf8')
  const files = await readdir(`${root}/examples`)
  expect(files.length).toBeGreaterThan(6)
  expect(files.filter((name) => !own.includes(`examples/${name}`))).toEqual([])
})
