import { describe, expect, test } from 'bun:test'
import { PublishError } from '../../src/bus/bus.ts'
import { openFileDeadLetters } from '../../src/dlq/file-dead-letters.ts'
import { JobError } from '../../src/errors.ts'
import { openHttp } from '../../src/http/server.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { openLogger } from '../../src/observe/logger.ts'
import type { DeadLetter } from '../../src/protocol/dead-letter.ts'
import { letter } from '../support/letters.ts'
import { probe } from '../support/probe.ts'
import { startRig, type Wire } from '../support/worker-rig.ts'

const { signal } = new AbortController()

/** A worker whose jobs fail as long as a test says so, over these dead letters. */
async function open(records: readonly DeadLetter[] = [], options: Parameters<typeof startRig>[0] = {}) {
  const jobs = { fail: true, ran: [] as unknown[] }
  const handler = probe((input) => {
    jobs.ran.push(input)
    if (jobs.fail) throw new JobError('SCRIPT_ERROR', 'It failed')
    return 'done'
  })
  const rig = await startRig({ handlers: [handler], ...options })
  const store = await openFileDeadLetters({ config: rig.config.deadLetters, clock: systemClock })
  for (const record of records) await store.write(record)
  const log = openLogger({ level: 'error', format: 'json', workerId: 'w', component: 'http', to: () => undefined })
  const health = { version: '0', commit: '0', workerId: () => 'w', activeJobs: () => 0, uptimeSeconds: () => 0 }
  const state = () => ({ ready: true, draining: false, load: 0, checks: {}, sandbox: false })
  const http = await openHttp({
    ...{ host: '127.0.0.1', port: 0, maxBodyBytes: 100_000, access: { kind: 'loopback-dev' } },
    ...{ health: { ...health, state }, metrics: rig.metrics, log, routes: rig.role.routes },
  })
  const ask = async (path: string, method = 'GET') => {
    const response = await fetch(`${http.url}/v1/dlq${path}`, {
      method,
      headers: { 'content-type': 'application/json' },
    })
    // Every answer here is an object.
    return { status: response.status, body: (await response.json()) as Wire }
  }
  return {
    rig,
    jobs,
    store,
    ask,
    list: async (query = '') => (await ask(query)).body as unknown as { items: Wire[]; next?: string },
    replay: (id: string, query = '') => ask(`/${id}/replay${query}`, 'POST'),
    async [Symbol.asyncDispose]() {
      await http[Symbol.asyncDispose]()
      await store[Symbol.asyncDispose]()
      await rig[Symbol.asyncDispose]()
    },
  }
}

const failing = { job: { type: 'probe', payload: 'of great weight' } }

describe('GET /v1/dlq', () => {
  test('lists heads, newest first, with what became of them', async () => {
    await using site = await open()
    for (const id of ['a', 'b']) {
      site.rig.assign({ ...failing, assignment_id: id })
      await site.rig.result(id)
    }
    const { items, next } = await site.list()
    expect(items).toMatchObject([{ assignment_id: 'b', reason: 'JOB_FAILED' }, { assignment_id: 'a' }])
    expect(items.every((item) => item['assignment'] === undefined && item['mark'] === undefined)).toBe(true)
    expect(next).toBeUndefined()
    await site.replay(String(items[1]?.['id']))
    expect((await site.list()).items.find(({ assignment_id: id }) => id === 'a')).toMatchObject({
      mark: { state: 'done', n: 1, by: 'api: worker-of-test' },
    })
  })

  test('a page at a time, and only what is asked for', async () => {
    const records = Array.from({ length: 25 }, (_, at) => letter({ assignmentId: `job-${at}`, tenantId: `t${at % 2}` }))
    await using site = await open([...records, letter({ reason: 'PARSE_ERROR' })])
    const seen: unknown[] = []
    let cursor = ''
    do {
      const { items, next = '' } = await site.list(
        `?reason=max_deliveries&tenant=t0&limit=5&cursor=${cursor}`.replace(/&cursor=$/, ''),
      )
      seen.push(...items.map(({ assignment_id: id }) => id))
      cursor = next
    } while (cursor !== '')
    expect(seen).toEqual(Array.from({ length: 13 }, (_, at) => `job-${24 - 2 * at}`))
    expect((await site.list('?type=echo&since=2000-01-01')).items.length).toBe(26)
    expect((await site.list('?before=2000-01-01')).items).toEqual([])
    expect((await site.list('?reason=PARSE_ERROR')).items).toMatchObject([{ rejected: true }])
  })

  test.each(['reason=NOPE', 'since=yesterday', 'limit=0', 'limit=101', 'cursor=nope'])('400 to %s', async (query) => {
    await using site = await open()
    const { status, body } = await site.ask(`?${query}`)
    expect(status).toBe(400)
    expect(JSON.stringify(body['errors'])).toContain(query.split('=')[0] ?? '')
  })
})

test('GET /v1/dlq/:id shows all of one, or 404', async () => {
  const record = letter({ assignment: { job: { type: 'probe', payload: 1 } } })
  await using site = await open([record])
  expect(await site.ask(`/${record.id}`)).toEqual({ status: 200, body: { ...record } })
  expect((await site.ask(`/${letter().id}`)).status).toBe(404)
})

describe('POST /v1/dlq/:id/replay', () => {
  test('runs a failed job again under a new id; what fails again names the entry, and its replay counts on', async () => {
    await using site = await open()
    site.rig.assign({ ...failing, assignment_id: 'a' })
    await site.rig.result('a')
    const [first] = (await site.list()).items
    const id = String(first?.['id'])
    expect(await site.replay(id)).toEqual({ status: 200, body: { id, sent: 'job', assignment_id: 'a.r1' } })
    expect(await site.rig.result('a.r1')).toMatchObject({ status: 'error' })
    const [again] = (await site.list()).items
    expect(again).toMatchObject({ assignment_id: 'a.r1', replay_of: id })
    site.jobs.fail = false
    expect(await site.replay(String(again?.['id']))).toMatchObject({ body: { assignment_id: 'a.r2' } })
    expect(await site.rig.result('a.r2')).toMatchObject({ status: 'success', output: 'done' })
    expect(site.jobs.ran).toEqual(Array(3).fill('of great weight'))
  })

  test('409 with the mark the second time, unless forced', async () => {
    await using site = await open()
    site.jobs.fail = false
    const record = letter({ assignment: { version: '1', tenant_id: 'acme', ...failing } })
    await site.store.write(record)
    expect((await site.replay(record.id)).status).toBe(200)
    const { status, body } = await site.replay(record.id)
    expect(status).toBe(409)
    expect(body).toMatchObject({ mark: { state: 'done', n: 1, by: 'api: worker-of-test' } })
    expect(await site.replay(record.id, '?force=true')).toMatchObject({ body: { assignment_id: 'job-1.r2' } })
    await site.rig.result('job-1.r2')
    expect(site.rig.resultsOf('job-1.r1').length).toBe(1)
    expect((await site.replay(record.id, '?force=yes')).status).toBe(400)
  })

  test('409 for one that a crash interrupted', async () => {
    const record = letter({ assignment: failing })
    await using site = await open([record])
    await site.store.claim({ job: 'acme\njob-1', ids: [record.id], atLeast: 1, force: false, by: 'x' }, signal)
    const { status, body } = await site.replay(record.id)
    expect({ status, detail: body['detail'] }).toEqual({ status: 409, detail: 'It may have been sent again before.' })
    expect(body).toMatchObject({ mark: { state: 'begun' } })
  })

  test('404 for an unknown one, 422 with the reason for one that cannot be sent', async () => {
    const record = { ...letter({ assignment: failing }), masked: true } as const
    await using site = await open([record])
    expect((await site.replay(letter().id)).status).toBe(404)
    const { status, body } = await site.replay(record.id)
    expect(status).toBe(422)
    expect(body['reason']).toContain('a secret')
  })

  test('503 when it is not sent, and then it can be replayed', async () => {
    let isRefused = true
    const record = letter({ assignment: { version: '1', tenant_id: 'acme', ...failing } })
    await using site = await open([record], {
      wrap(bus) {
        const publish = bus.publish.bind(bus)
        const refusal = new PublishError('no-responders', 'Nobody listens')
        bus.publish = (message, limit) => (isRefused ? Promise.reject(refusal) : publish(message, limit))
        return bus
      },
    })
    const { status, body } = await site.replay(record.id)
    expect({ status, reason: body['reason'] }).toEqual({ status: 503, reason: 'Nobody listens' })
    isRefused = false
    expect((await site.replay(record.id)).status).toBe(200)
  })
})

test('a result that could not be published is published, and its job is not run', async () => {
  const result = {
    ...{ version: '1', assignment_id: 'job-1', tenant_id: 'acme', status: 'success', output: { n: 1 }, cost: 0 },
    ...{ provider_id: 'w', worker_id: 'w', job: { type: 'probe' }, job_type: 'probe', latency_ms: 1, attempts: 1 },
    timestamp: 1_790_000_000_000,
  }
  const record = letter({ reason: 'PUBLISH_ERROR', result, assignment: failing })
  await using site = await open([record])
  expect(await site.replay(record.id)).toMatchObject({ body: { sent: 'result', assignment_id: 'job-1' } })
  expect(await site.rig.result('job-1')).toEqual(result)
  expect(site.jobs.ran).toEqual([])
})
