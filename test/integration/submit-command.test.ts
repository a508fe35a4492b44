import { expect, test } from 'bun:test'
import { runBeamline, startBeamline } from '../support/beamline-process.ts'
import { startNats } from '../support/nats-server.ts'

interface Result {
  readonly status: string
  readonly output?: unknown
}

const parsed = (lines: readonly string[]) => lines.map((line) => JSON.parse(line) as Result)

test.each(['auto', 'require'])('JETSTREAM=%s: jobs go to the worker, and their results come back', async (mode) => {
  await using server = await startNats()
  const settings = { NATS_URL: server.url, JETSTREAM: mode }
  await using worker = await startBeamline(['start'], settings)
  await worker.ready()
  const stdin = Array.from({ length: 200 }, (_, at) => `{"type":"echo","payload":${at}}\n`).join('')
  const { code, stdout, stderr } = await runBeamline(['submit', '-'], { NATS_URL: server.url }, { stdin })
  expect({ code, stderr }).toEqual({ code: 0, stderr: [] })
  expect(new Set(parsed(stdout).map(({ output }) => output)).size).toBe(200)

  const mixed =
    '{"type":"nope"}\nnonsense\n{"type":"sleep","payload":{"ms":30000},"assignment_id":"slow"}\n{"type":"echo"}'
  const args = ['submit', '--timeout', '500ms', '-']
  const failed = await runBeamline(args, { NATS_URL: server.url }, { stdin: mixed })
  expect(failed.code).toBe(1)
  expect(
    parsed(failed.stdout)
      .map(({ status }) => status)
      .toSorted(),
  ).toEqual(['error', 'success'])
  expect(failed.stderr).toContain('line 2: this is no JSON')
  expect(failed.stderr).toContain('line 3 (slow): no result in time; it may still run')
  expect(failed.stderr).toContain('4 jobs: 1 succeeded, 3 failed')
})

test('--no-wait: kept by the stream, run by nobody; the ids are printed', async () => {
  await using server = await startNats()
  await using worker = await startBeamline(['start'], { NATS_URL: server.url, JETSTREAM: 'require' })
  await worker.ready()
  expect(await worker.stop()).toBe(0)
  const stdin = '{"type":"echo","assignment_id":"one"}\n{"type":"echo","assignment_id":"two"}'
  const { code, stdout } = await runBeamline(['submit', '--no-wait', '-'], { NATS_URL: server.url }, { stdin })
  expect(code).toBe(0)
  expect(stdout.toSorted()).toEqual(['{"assignment_id":"one"}', '{"assignment_id":"two"}'])
})

test('nobody takes the job: named, 1', async () => {
  await using server = await startNats({ jetstream: false })
  const { code, stdout, stderr } = await runBeamline(
    ['submit', '-'],
    { NATS_URL: server.url },
    { stdin: '{"type":"echo"}' },
  )
  expect(code).toBe(1)
  expect(stdout).toEqual([])
  expect(stderr[0]).toContain('not handed over: no worker listens and no stream keeps it')
})

test('no server: 3', async () => {
  const { code, stderr } = await runBeamline(['submit', '-'], { NATS_URL: 'nats://127.0.0.1:1' }, { stdin: '{}' })
  expect(code).toBe(3)
  expect(stderr.at(-1)).toBe('beamline: NATS cannot be reached: connection refused')
})

test('JETSTREAM=require on a server that says it has none: 3', async () => {
  await using server = await startNats({ jetstream: false })
  const { code, stdout } = await runBeamline(['start'], { NATS_URL: server.url, JETSTREAM: 'require' })
  expect(code).toBe(3)
  expect(stdout.join('\n')).toContain('JETSTREAM=require')
})
