import { describe, expect, test } from 'bun:test'
import { PublishError } from '../../src/bus/bus.ts'
import { MemoryHub } from '../../src/bus/memory-bus.ts'
import { type HttpServer, openHttp } from '../../src/http/server.ts'
import { openLogger } from '../../src/observe/logger.ts'
import { eventually } from '../support/eventually.ts'
import { probe, untilStopped } from '../support/probe.ts'
import { resultOracle } from '../support/result-oracle.ts'
import { bytesOf, startRig, type Wire, type WorkerRig } from '../support/worker-rig.ts'

interface Site extends AsyncDisposable {
  readonly rig: WorkerRig
  ask(method: string, path: string, body?: unknown): Promise<{ status: number; type: string; body: Wire }>
}

async function open(options: Parameters<typeof startRig>[0] = {}): Promise<Site> {
  const rig = await startRig(options)
  const log = openLogger({ level: 'error', format: 'json', workerId: 'w', component: 'http', to: () => undefined })
  const state = { ready: true, draining: false, load: 0, checks: {}, sandbox: false }
  const http: HttpServer = await openHttp({
    ...{ host: '127.0.0.1', port: 0, maxBodyBytes: 100_000, access: { kind: 'loopback-dev' } },
    health: {
      ...{ version: '0', commit: '0', workerId: () => 'w', activeJobs: () => 0, uptimeSeconds: () => 0 },
      state: () => state,
    },
    ...{ metrics: rig.metrics, log, routes: rig.role.routes },
  })
  return {
    rig,
    async ask(method, path, body) {
      const response = await fetch(`${http.url}${path}`, {
        method,
        ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
      })
      // Every answer here is an object.
      const answer = (await response.json()) as Wire
      return { status: response.status, type: response.headers.get('content-type') ?? '', body: answer }
    },
    async [Symbol.asyncDispose]() {
      await rig[Symbol.asyncDispose]()
      await http[Symbol.asyncDispose]()
    },
  }
}

const problem = 'application/problem+json'

describe('POST /v1/jobs', () => {
  test('runs a job of the local tenant and answers with its result', async () => {
    await using site = await open()
    const { status, body } = await site.ask('POST', '/v1/jobs', { type: 'echo', payload: { hello: 'world' } })
    expect(status).toBe(200)
    expect(body).toMatchObject({ status: 'success', output: { hello: 'world' }, tenant_id: 'local', job_type: 'echo' })
    expect(resultOracle({ body: bytesOf(body) })).toEqual([])
    expect(site.rig.acks.all.length).toBe(1)
  })

  test('takes a whole assignment, bare or in an envelope, and answers bare', async () => {
    await using site = await open()
    const assignment = { version: '1', assignment_id: 'mine', tenant_id: 'acme', job: { type: 'echo', payload: 1 } }
    expect((await site.ask('POST', '/v1/jobs', assignment)).body).toMatchObject({ assignment_id: 'mine', output: 1 })
    const enveloped = { version: 'v1', kind: 'exec_assign', data: { ...assignment, assignment_id: 'inside' } }
    expect((await site.ask('POST', '/v1/jobs', enveloped)).body).toMatchObject({ assignment_id: 'inside', output: 1 })
  })

  test('answers 200 for a job that failed', async () => {
    await using site = await open({ handlers: [probe(() => Promise.reject(new Error('boom')))] })
    const { status, body } = await site.ask('POST', '/v1/jobs', { type: 'probe' })
    expect(status).toBe(200)
    expect(body).toMatchObject({ status: 'error', error_code: 'INTERNAL_ERROR' })
  })

  test('answers 202 when the job is not done in time, and says then what has become of it', async () => {
    const gate = Promise.withResolvers<string>()
    await using site = await open({ handlers: [probe(() => gate.promise)] })
    const { status, body } = await site.ask('POST', '/v1/jobs?wait=0', { type: 'probe', assignment_id: 'slow' })
    expect([status, body]).toEqual([202, { assignment_id: 'slow' }])
    const running = await site.ask('GET', '/v1/jobs/slow')
    expect(running).toMatchObject({
      status: 200,
      body: { assignment_id: 'slow', tenant_id: 'local', state: 'running' },
    })
    gate.resolve('done')
    await site.rig.result('slow')
    const done = await site.ask('GET', '/v1/jobs/slow')
    expect(done).toMatchObject({ status: 200, body: { state: 'done', result: { status: 'success', output: 'done' } } })
  })

  test.each([
    [{}, 'job'],
    [{ type: 7 }, 'job.type'],
    [{ assignment_id: 7, job: { type: '' } }, 'assignment_id'],
    [[], ''],
  ])('answers 400 to %j, naming %p', async (body, field) => {
    await using site = await open()
    const answer = await site.ask('POST', '/v1/jobs', body)
    expect(answer).toMatchObject({ status: 400, type: problem })
    expect(answer.body['errors']).toMatchObject([{ field }, ...(answer.body['errors'] as unknown[]).slice(1)])
    expect(site.rig.acks.all).toEqual([])
  })

  test('answers 400 to an unknown type, naming those there are, and to an input that the type does not take', async () => {
    await using site = await open()
    const unknown = await site.ask('POST', '/v1/jobs', { type: 'no_such_type' })
    expect(unknown).toMatchObject({
      status: 400,
      type: problem,
      body: { job_types: expect.arrayContaining(['echo', 'fs_blob_get', 'http', 'sleep']) },
    })
    const wrong = await site.ask('POST', '/v1/jobs', { type: 'sleep', payload: { ms: 'soon' } })
    expect(wrong).toMatchObject({
      status: 400,
      body: { error_code: 'INVALID_INPUT', fields: [{ field: 'ms', problem: expect.any(String) }] },
    })
    const version = await site.ask('POST', '/v1/jobs', { version: '7', job: { type: 'echo' } })
    expect(version).toMatchObject({ status: 400, body: { field: 'version' } })
    expect(site.rig.acks.all).toEqual([])
  })

  test.each(['-1', '1.5', 'long', '600001'])('answers 400 to wait=%s', async (wait) => {
    await using site = await open()
    expect((await site.ask('POST', `/v1/jobs?wait=${wait}`, { type: 'echo' })).status).toBe(400)
    expect(site.rig.acks.all).toEqual([])
  })

  test('answers 413 to a job that the bus cannot carry', async () => {
    await using site = await open({ hub: new MemoryHub({ assignSubject: 'caf.exec.assign.v1', maxPayload: 2000 }) })
    const answer = await site.ask('POST', '/v1/jobs', { type: 'echo', payload: 'x'.repeat(3000) })
    expect(answer).toMatchObject({ status: 413, type: problem })
  })

  test('answers 429 when there is no room, and 503 when it cannot be handed over', async () => {
    await using site = await open({
      handlers: [probe(untilStopped)],
      env: { WORKER_MAX_CONCURRENCY: '1', WORKER_QUEUE_SIZE: '1' },
      wrap(bus) {
        const publish = bus.publish.bind(bus)
        bus.publish = (message, signal) =>
          new TextDecoder().decode(message.body).includes('unlucky')
            ? Promise.reject(new PublishError('no-responders', 'nobody'))
            : publish(message, signal)
        return bus
      },
    })
    for (const id of ['one', 'two']) await site.ask('POST', '/v1/jobs?wait=0', { type: 'probe', assignment_id: id })
    expect(await site.ask('POST', '/v1/jobs', { type: 'probe' })).toMatchObject({ status: 429, type: problem })
    const lost = await site.ask('POST', '/v1/jobs', { type: 'probe', assignment_id: 'unlucky' })
    expect(lost).toMatchObject({ status: 503, type: problem, body: { reason: 'no-responders' } })
    expect((await site.ask('GET', '/v1/jobs/unlucky')).status).toBe(404)
    for (const id of ['one', 'two']) expect((await site.ask('DELETE', `/v1/jobs/${id}`)).status).toBe(200)
  })

  test('lets a reference to a payload through when it is one, for where the job runs it is read', async () => {
    await using site = await open()
    const ask = (reference: unknown) => site.ask('POST', '/v1/jobs', { type: 'echo', payload_ref: reference })
    expect(await ask('ftp:a')).toMatchObject({
      status: 400,
      body: { error_code: 'INVALID_INPUT', field: 'payload_ref' },
    })
    expect(await ask('fs:missing.json')).toMatchObject({ status: 200, body: { error_code: 'FILE_NOT_FOUND' } })
    const put = { type: 'fs_blob_put', payload: { path: 'payload.json', content: '{"n":1}' } }
    expect(await site.ask('POST', '/v1/jobs', put)).toMatchObject({ status: 200 })
    expect(await ask('fs:payload.json')).toMatchObject({ status: 200, body: { status: 'success', output: { n: 1 } } })
  })
})

describe('GET /v1/jobs/:assignment_id', () => {
  test('shows jobs in each state, whoever submitted them', async () => {
    const gate = Promise.withResolvers<string>()
    await using site = await open({ handlers: [probe(() => gate.promise)], env: { WORKER_MAX_CONCURRENCY: '1' } })
    for (const id of ['first', 'second']) site.rig.assign({ assignment_id: id, job: { type: 'probe' } })
    await site.rig.ack('second')
    expect((await site.ask('GET', '/v1/jobs/first')).body).toMatchObject({ tenant_id: 'acme', state: 'running' })
    expect((await site.ask('GET', '/v1/jobs/second')).body).toEqual({
      assignment_id: 'second',
      tenant_id: 'acme',
      state: 'queued',
    })
    gate.resolve('done')
    await site.rig.results.some(2)
    expect((await site.ask('GET', '/v1/jobs/second')).body).toMatchObject({ state: 'done', result: { output: 'done' } })
  })

  test('tells tenants apart when the tenant is named', async () => {
    await using site = await open()
    for (const tenant of ['one', 'two']) site.rig.assign({ tenant_id: tenant, job: { type: 'echo', payload: tenant } })
    await site.rig.results.some(2)
    for (const tenant of ['one', 'two']) {
      const { body } = await site.ask('GET', `/v1/jobs/a-1?tenant_id=${tenant}`)
      expect(body).toMatchObject({ tenant_id: tenant, result: { output: tenant } })
    }
    expect((await site.ask('GET', '/v1/jobs/a-1?tenant_id=three')).status).toBe(404)
  })

  test('finds ids that need escaping', async () => {
    await using site = await open()
    site.rig.assign({ assignment_id: 'a/b c%20ü' })
    await site.rig.results.first()
    const answer = await site.ask('GET', `/v1/jobs/${encodeURIComponent('a/b c%20ü')}`)
    expect(answer).toMatchObject({ status: 200, body: { assignment_id: 'a/b c%20ü', state: 'done' } })
  })

  test('says so when it knows nothing of the job', async () => {
    await using site = await open()
    expect(await site.ask('GET', '/v1/jobs/nothing')).toMatchObject({ status: 404, type: problem })
  })
})

describe('DELETE /v1/jobs/:assignment_id', () => {
  test('cancels a job that is here', async () => {
    await using site = await open({ handlers: [probe(untilStopped)] })
    site.rig.assign({ job: { type: 'probe' } })
    await site.rig.ack('a-1')
    expect(await site.ask('DELETE', '/v1/jobs/a-1')).toMatchObject({ status: 200, body: { status: 'cancelled' } })
    expect(await site.rig.result('a-1')).toMatchObject({ status: 'cancelled' })
    expect(await site.ask('DELETE', '/v1/jobs/a-1')).toMatchObject({ status: 409, type: problem })
  })

  test('asks every worker for one that is not, and remembers it for one that has not come yet', async () => {
    await using site = await open()
    const asked: string[] = []
    const ear = site.rig.hub.open()
    ear.subscribe('caf.exec.cancel.v1', ({ body }) => asked.push(new TextDecoder().decode(body)))
    const answer = await site.ask('DELETE', '/v1/jobs/later?tenant_id=acme')
    expect(answer).toMatchObject({ status: 202, body: { status: 'cancel_requested' } })
    expect(asked.map((text) => JSON.parse(text) as Wire)).toEqual([
      { version: '1', assignment_id: 'later', tenant_id: 'acme' },
    ])
    site.rig.assign({ assignment_id: 'later' })
    expect(await site.rig.result('later')).toMatchObject({ status: 'cancelled' })
  })
})

test('a job that waits for people says so, is cancelled here, and then cannot be cancelled again', async () => {
  await using site = await open()
  const job = { assignment_id: 'w-1', type: 'human_approval', payload: { prompt: 'Shall we?' } }
  expect((await site.ask('POST', '/v1/jobs?wait=0', job)).status).toBe(202)
  await eventually(async () => (await site.ask('GET', '/v1/jobs/w-1')).body['state'] === 'waiting')
  expect(await site.ask('DELETE', '/v1/jobs/w-1')).toMatchObject({ status: 200, body: { status: 'cancelled' } })
  expect(await site.rig.result('w-1')).toMatchObject({ status: 'cancelled' })
  expect(await site.ask('GET', '/v1/jobs/w-1')).toMatchObject({
    body: { state: 'done', result: { status: 'cancelled' } },
  })
  expect((await site.ask('DELETE', '/v1/jobs/w-1')).status).toBe(409)
})
