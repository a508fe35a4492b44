import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { fileWorld } from '../dlq/file-world.ts'
import { observe } from '../nats/observer.ts'
import { type BeamlineProcess, runBeamline, startBeamline } from '../support/beamline-process.ts'
import { eventually } from '../support/eventually.ts'
import { assignment, deadLettersOf, notOnce } from '../support/fleet.ts'
import { jobLetter } from '../support/job-letters.ts'
import { allOf, letter } from '../support/letters.ts'
import { type NatsServer, startNats } from '../support/nats-server.ts'
import { storedResults } from '../support/result-stream.ts'
import { connectWire, type Wire, type WireClient } from '../support/wire-client.ts'

const parsed = (lines: readonly string[]): readonly Wire[] => lines.map((line) => JSON.parse(line) as Wire)

/** `beamline dlq` on these dead letters, in lines of JSON. */
async function dlq(settings: Readonly<Record<string, string>>, ...args: readonly string[]) {
  const { code, stdout, stderr } = await runBeamline(['dlq', ...args, '--json'], settings)
  return { code, lines: parsed(stdout), stderr }
}

const settingsOf = (server: NatsServer, path: string) => ({ NATS_URL: server.url, DLQ_PATH: path })

async function entriesOf(worker: BeamlineProcess, assignmentId: string): Promise<readonly Wire[]> {
  return (await deadLettersOf(worker)).filter((record) => record['assignment_id'] === assignmentId)
}

describe.each(['require', 'off'])('JETSTREAM=%s', (mode) => {
  let server: NatsServer
  let wire: WireClient
  let worker: BeamlineProcess
  let settings: Readonly<Record<string, string>>

  beforeAll(async () => {
    server = await startNats({ jetstream: mode === 'require' })
    worker = await startBeamline(['start'], { NATS_URL: server.url, JETSTREAM: mode, API_TOKEN: 'token-of-test' })
    await worker.ready()
    wire = await connectWire(server.url)
    settings = { ...settingsOf(server, `${worker.folder}/dead-letters.jsonl`), JETSTREAM: mode }
  }, 60_000)

  afterAll(async () => {
    expect(wire.broken).toEqual([])
    await wire[Symbol.asyncDispose]()
    await worker[Symbol.asyncDispose]()
    await server[Symbol.asyncDispose]()
  }, 60_000)

  const run = async (job: Wire & { readonly assignment_id: string }): Promise<string> => {
    wire.send(job)
    await wire.result(job.assignment_id)
    return job.assignment_id
  }
  const resultsOf = (id: string) => (wire.results.get(id) ?? []).map(({ status }) => status)

  test('a failed job is replayed until it succeeds; each replay gets one result, and none happens twice unasked', async () => {
    const path = `${crypto.randomUUID()}.txt`
    const id = await run(assignment('fs.blob_get', { path }, { job: { type: 'fs.blob_get', payload: { path } } }))
    const listed = await dlq(settings, 'list', '--type', 'fs.blob_get', '--since', '1h')
    const first = listed.lines.find((line) => line['assignment_id'] === id)
    expect(first).toMatchObject({ reason: 'JOB_FAILED', error_code: 'FILE_NOT_FOUND' })
    const entry = String(first?.['id'])

    expect(await dlq(settings, 'replay', '--dry-run', entry)).toMatchObject({
      code: 0,
      lines: [{ id: entry, outcome: 'would be sent', what: 'job', as: `${id}.r1` }],
    })
    const once = await dlq(settings, 'replay', entry)
    expect(once).toMatchObject({ code: 0, lines: [{ id: entry, outcome: 'sent', as: `${id}.r1` }] })
    const audit = parsed(once.stderr.filter((line) => line.startsWith('{"timestamp"')))
    expect(audit).toMatchObject([{ message: 'A dead letter was replayed', context: { entry, as: `${id}.r1` } }])
    expect(await wire.result(`${id}.r1`)).toMatchObject({ error_code: 'FILE_NOT_FOUND' })
    const [again] = await entriesOf(worker, `${id}.r1`)
    expect(again).toMatchObject({ replay_of: entry })

    await run(assignment('fs.blob_put', { path, content: 'there now' }))
    const all = await dlq(settings, 'replay', '--type', 'fs.blob_get')
    expect(all).toMatchObject({ code: 0, lines: [{ id: again?.['id'], outcome: 'sent', as: `${id}.r2` }] })
    expect(await wire.result(`${id}.r2`)).toMatchObject({ status: 'success' })

    expect(await dlq(settings, 'replay')).toMatchObject({ code: 0, lines: [] })
    expect(await dlq(settings, 'replay', entry)).toMatchObject({ code: 0, lines: [{ outcome: 'replayed before' }] })
    expect(await dlq(settings, 'replay', '--force', entry)).toMatchObject({ lines: [{ as: `${id}.r3` }] })
    await wire.result(`${id}.r3`)
    expect(['', '.r1', '.r2', '.r3'].map((end) => resultsOf(`${id}${end}`).length)).toEqual([1, 1, 1, 1])
    const shown = await dlq(settings, 'show', entry)
    expect(shown.lines).toMatchObject([
      { id: entry, assignment: { job: { payload: { path } } }, mark: { state: 'done' } },
    ])
  }, 60_000)

  test('an envelope stays one', async () => {
    const data = assignment('javascript', { code: 'throw new Error("no")' })
    wire.send({ version: 'v1', kind: 'exec_assign', data })
    await wire.result(data.assignment_id)
    const [entry] = await entriesOf(worker, data.assignment_id)
    expect((await dlq(settings, 'replay', String(entry?.['id']))).code).toBe(0)
    await wire.result(`${data.assignment_id}.r1`)
    expect(wire.rawResults.get(`${data.assignment_id}.r1`)).toMatchObject([{ kind: 'exec_result' }])
  }, 60_000)

  test('a message id that another caller used first does not swallow a replay', async () => {
    const id = await run(assignment('javascript', { code: 'throw new Error("no")' }))
    const [entry] = await entriesOf(worker, id)
    const stranger = { ...assignment('echo', 1), tenant_id: 'stranger' }
    wire.send(stranger, { 'Nats-Msg-Id': `acme:${id}.r1:assign` })
    await wire.result(stranger.assignment_id)
    expect((await dlq(settings, 'replay', String(entry?.['id']))).code).toBe(0)
    expect(await wire.result(`${id}.r1`)).toMatchObject({ error_code: 'SCRIPT_ERROR' })
  }, 60_000)

  test('the API replays with a token, and the command says by whom', async () => {
    const id = await run(assignment('javascript', { code: 'throw new Error("no")' }))
    const [entry] = await entriesOf(worker, id)
    const url = `${await worker.url()}/v1/dlq/${String(entry?.['id'])}/replay`
    expect((await fetch(url, { method: 'POST' })).status).toBe(401)
    const headers = { authorization: 'Bearer token-of-test' }
    expect(await (await fetch(url, { method: 'POST', headers })).json()).toMatchObject({ assignment_id: `${id}.r1` })
    await wire.result(`${id}.r1`)
    const { lines } = await dlq(settings, 'show', String(entry?.['id']))
    expect(lines).toMatchObject([{ mark: { state: 'done', by: expect.stringContaining('api: worker-') } }])
  }, 60_000)

  test('two replayers at once send each job once', async () => {
    await using world = await fileWorld()
    const store = await world.open()
    const tag = crypto.randomUUID()
    const records = Array.from({ length: 100 }, (_, at) => jobLetter(`${tag}-${at}`, at))
    for (const record of records) await store.write(record)
    const both = await Promise.all([1, 2].map(() => dlq(settingsOf(server, world.path), 'replay')))
    const sent = both.flatMap(({ lines }) => lines.filter(({ outcome }) => outcome === 'sent'))
    expect(sent.map(({ id }) => String(id)).toSorted()).toEqual(records.map(({ id }) => id).toSorted())
    const ids = records.map((record) => `${record.assignment_id}.r1`)
    await eventually(() => ids.every((id) => wire.results.has(id)))
    await wire.flush()
    expect(notOnce(ids, wire.results)).toEqual([])
  }, 60_000)

  test('what cannot be sent again is named, and the rest goes', async () => {
    await using world = await fileWorld()
    const store = await world.open()
    const id = crypto.randomUUID()
    const masked = { ...jobLetter('masked', 1), masked: true } as const
    for (const record of [masked, jobLetter(id, 1), letter({ reason: 'REJECTED' })]) await store.write(record)
    const { code, lines } = await dlq(settingsOf(server, world.path), 'replay')
    expect(code).toBe(1)
    expect(lines).toMatchObject([
      { id: masked.id, outcome: 'not sent', why: expect.stringContaining('secret') },
      { outcome: 'sent', as: `${id}.r1` },
    ])
    await wire.result(`${id}.r1`)
  }, 60_000)
})

describe('a result that nobody took', () => {
  /** A worker whose job has run while nobody listened to results; it is gone. */
  async function unheard(server: NatsServer, path: string): Promise<string> {
    const settings = { ...settingsOf(server, path), JETSTREAM: 'off', RESULT_PUBLISH_MAX_RETRIES: '0' }
    await using worker = await startBeamline(['start'], settings)
    await worker.ready()
    const id = crypto.randomUUID()
    const job = JSON.stringify({ type: 'echo', payload: 'kept', assignment_id: id, tenant_id: 'acme' })
    await runBeamline(['submit', '--no-wait', '-'], { NATS_URL: server.url }, { stdin: job })
    const isKept = async () => (await dlq(settings, 'list')).lines.some(({ reason }) => reason === 'PUBLISH_ERROR')
    await eventually(isKept, { timeoutMs: 30_000 })
    await worker.stop()
    return id
  }

  test('is published by a replay, and its job is not run again', async () => {
    await using world = await fileWorld()
    await using server = await startNats({ jetstream: false })
    const settings = { ...settingsOf(server, world.path), JETSTREAM: 'off' }
    const id = await unheard(server, world.path)
    const nobody = await dlq(settings, 'replay')
    expect(nobody).toMatchObject({ code: 1, lines: [{ outcome: 'not sent' }] })
    await using wire = await connectWire(server.url)
    expect(await dlq(settings, 'replay')).toMatchObject({
      code: 0,
      lines: [{ outcome: 'sent', what: 'result', as: id }],
    })
    expect(await wire.result(id)).toMatchObject({ status: 'success', output: 'kept' })
    expect([...wire.results.keys()]).toEqual([id])
    expect(wire.broken).toEqual([])
  }, 60_000)

  test('is published by DLQ_AUTO_REPLAY, once', async () => {
    await using world = await fileWorld()
    await using server = await startNats({ jetstream: false })
    const id = await unheard(server, world.path)
    await using wire = await connectWire(server.url)
    const settings = { ...settingsOf(server, world.path), JETSTREAM: 'off' }
    const auto = { ...settings, DLQ_AUTO_REPLAY: 'true' }
    await using one = await startBeamline(['start'], auto)
    await using other = await startBeamline(['start'], auto)
    expect(await wire.result(id)).toMatchObject({ status: 'success', output: 'kept' })
    await Promise.all([one.ready(), other.ready()])
    await Promise.all([one.stop(), other.stop()])
    expect(wire.results.get(id)?.length).toBe(1)
    expect((await dlq(settings, 'list')).lines).toMatchObject([
      { mark: { state: 'done', by: expect.stringContaining('auto: ') } },
    ])
  }, 60_000)
})

test('a result that the stream refuses does not keep DLQ_AUTO_REPLAY from the others', async () => {
  await using world = await fileWorld()
  await using server = await startNats()
  await using observer = await observe(server.url)
  const subjects = ['caf.exec.result.v1']
  await observer.manager.streams.add({ name: 'CAF_RESULTS', subjects, max_msg_size: 2_000 })
  const store = await world.open()
  const results = ['small-1', 'large-1', 'small-2', 'large-2'].map((id) => {
    const output = 'x'.repeat(id.startsWith('large') ? 3_000 : 10)
    return letter({ reason: 'PUBLISH_ERROR', assignmentId: id, result: { assignment_id: id, output } })
  })
  for (const record of results) await store.write(record)
  await using worker = await startBeamline(['start'], { ...settingsOf(server, world.path), DLQ_AUTO_REPLAY: 'true' })
  await worker.ready()
  await eventually(async () => (await storedResults(server.url)).size === 2, { timeoutMs: 30_000 })
  expect(await worker.stop()).toBe(0)
  expect([...(await storedResults(server.url)).keys()].toSorted()).toEqual(['small-1', 'small-2'])
  const states = (await allOf(store)).map(({ record, mark }) => [record.assignment_id, mark?.state])
  expect(states).toEqual([
    ['large-2', 'failed'],
    ['small-2', 'done'],
    ['large-1', 'failed'],
    ['small-1', 'done'],
  ])
}, 60_000)

test('no server: 3, and nothing is marked', async () => {
  await using world = await fileWorld()
  const store = await world.open()
  await store.write(jobLetter('one', 1))
  const settings = { NATS_URL: 'nats://127.0.0.1:1', DLQ_PATH: world.path }
  const { code, stderr } = await dlq(settings, 'replay')
  expect(code).toBe(3)
  expect(stderr.at(-1)).toBe('beamline: NATS cannot be reached: connection refused')
  expect(await dlq(settings, 'list', '--state', 'open')).toMatchObject({ code: 0, lines: [{ assignment_id: 'one' }] })
  expect((await dlq(settings, 'replay', '--dry-run')).lines).toMatchObject([{ as: 'one.r1' }])
}, 60_000)
