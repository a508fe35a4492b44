import { describe, expect, test } from 'bun:test'
import { JobError } from '../../src/errors.ts'
import { probe } from '../support/probe.ts'
import { openHub, startRig, type Wire, type WorkerRig } from '../support/worker-rig.ts'

/** A handler whose jobs run until the gate opens. */
function gated() {
  const gate = Promise.withResolvers<string>()
  return { handler: probe(() => gate.promise), open: () => gate.resolve('done') }
}

const small = { WORKER_MAX_CONCURRENCY: '1', WORKER_QUEUE_SIZE: '2' }

function assign(rig: WorkerRig, id: string, tenant = 'acme', fields: Wire = {}): void {
  rig.assign({ assignment_id: id, tenant_id: tenant, job: { type: 'probe' }, ...fields })
}

describe('a full queue', () => {
  test('refuses what no other worker takes: one ack, one result that may be sent again, no dead letter', async () => {
    const { handler, open } = gated()
    await using rig = await startRig({ handlers: [handler], env: small })
    for (const id of ['runs', 'waits-1', 'waits-2', 'too-many']) assign(rig, id)
    expect(await rig.result('too-many')).toMatchObject({
      status: 'error',
      error_code: 'SYSTEM_OVERLOAD',
      retryable: true,
      attempts: 0,
      latency_ms: 0,
    })
    expect(rig.acksOf('too-many')).toMatchObject([{ status: 'rejected', overload_status: 'critical' }])
    const [ack] = rig.acks.all.filter(({ wire }) => wire['assignment_id'] === 'too-many')
    expect(ack?.headers).not.toHaveProperty('Nats-Msg-Id')
    expect(rig.results.all[0]?.headers).not.toHaveProperty('Nats-Msg-Id')
    open()
    await rig.results.some(4)
    await rig.drain()
    expect(await rig.deadLetters()).toEqual([])
    // It came back to this worker, the only one, until its hops were used up.
    expect(await rig.metric('worker_assignments_total{outcome="reoffered"}')).toBe(3)
  })

  test('a refused job is not remembered: sent again it runs', async () => {
    const { handler, open } = gated()
    await using rig = await startRig({ handlers: [handler], env: small })
    for (const id of ['runs', 'waits-1', 'waits-2', 'again']) assign(rig, id)
    await rig.result('again')
    open()
    await rig.results.some(4)
    assign(rig, 'again')
    await rig.results.some(5)
    expect(rig.resultsOf('again').map((result) => result['status'])).toEqual(['error', 'success'])
    expect(rig.acksOf('again').map((ack) => ack['status'])).toEqual(['rejected', 'accepted'])
  })

  test('offers it to the others of the fleet before any ack', async () => {
    const hub = openHub()
    const { handler, open } = gated()
    await using busy = await startRig({ hub, handlers: [handler], env: { ...small, WORKER_ID: 'busy' } })
    for (const id of ['runs', 'waits-1', 'waits-2']) assign(busy, id)
    await busy.ack('waits-2')
    await using idle = await startRig({ hub, handlers: [handler], env: { WORKER_ID: 'idle' } })
    // One at a time: the hub takes turns, so that what is passed on once goes to the other.
    for (let index = 0; index < 10; index++) {
      assign(busy, `more-${index}`)
      await busy.ack(`more-${index}`)
    }
    open()
    await busy.results.some(13)
    const statuses = busy.results.all.map(({ wire }) => wire['status'])
    expect(statuses).toEqual(Array(13).fill('success'))
    expect(busy.acks.all.length).toBe(13)
    expect(idle.role.activeJobs).toBe(0)
  })

  test('lets in a tenant below its share: the newest job of the fullest tenant makes room and is told so once', async () => {
    const { handler, open } = gated()
    await using rig = await startRig({ handlers: [handler], env: small })
    for (const id of ['runs', 'waits-1', 'waits-2']) assign(rig, id)
    assign(rig, 'other', 'other')
    expect(await rig.ack('other')).toMatchObject({ status: 'accepted' })
    expect(await rig.result('waits-2')).toMatchObject({ error_code: 'SYSTEM_OVERLOAD', retryable: true, attempts: 0 })
    open()
    await rig.results.some(4)
    await rig.drain()
    expect(rig.acksOf('waits-2').map((ack) => ack['status'])).toEqual(['accepted'])
    for (const id of ['runs', 'waits-1', 'other']) expect(rig.resultsOf(id)).toMatchObject([{ status: 'success' }])
    expect(rig.resultsOf('waits-2').length).toBe(1)
    expect(await rig.deadLetters()).toEqual([])
  })

  test('a job that made room runs when another worker takes it', async () => {
    const hub = openHub()
    const { handler, open } = gated()
    await using busy = await startRig({ hub, handlers: [handler], env: { ...small, WORKER_ID: 'busy' } })
    for (const id of ['runs', 'waits-1', 'waits-2']) assign(busy, id)
    await busy.ack('waits-2')
    await using idle = await startRig({ hub, handlers: [handler], env: { WORKER_ID: 'idle' } })
    // The hub takes turns: one of two goes to the busy worker, which passes on what it has no room for.
    assign(busy, 'other-1', 'other')
    assign(busy, 'other-2', 'other')
    await busy.acks.some(5)
    open()
    await busy.results.some(5)
    expect(busy.results.all.map(({ wire }) => wire['status'])).toEqual(Array(5).fill('success'))
    expect(new Set(busy.results.all.map(({ wire }) => wire['assignment_id'])).size).toBe(5)
    expect(busy.acks.all.length).toBe(5)
    expect(idle.role.activeJobs).toBe(0)
  })

  test('counts jobs that wait for a retry', async () => {
    const handler = probe(() => {
      throw new JobError('HTTP_REQUEST_FAILED', 'It failed', { retry: { afterMs: 600_000 } })
    })
    await using rig = await startRig({ handlers: [handler], env: small })
    const retry = { options: { retry: { max_attempts: 2 } } }
    for (const id of ['one', 'two']) assign(rig, id, 'acme', retry)
    await rig.log.some(2, (line) => line['message'] === 'Job retrying')
    assign(rig, 'three', 'acme', retry)
    expect(await rig.result('three')).toMatchObject({ error_code: 'SYSTEM_OVERLOAD' })
    for (const id of ['one', 'two']) rig.cancel(id)
    await rig.results.some(3)
  })
})

describe('every job of a burst', () => {
  test('has one ack and one result, done or refused', async () => {
    const { handler, open } = gated()
    const env = { WORKER_MAX_CONCURRENCY: '1', WORKER_QUEUE_SIZE: '10' }
    const hub = openHub()
    await using rig = await startRig({ hub, handlers: [handler], env: { ...env, WORKER_ID: 'one' } })
    await using _second = await startRig({ hub, handlers: [handler], env: { ...env, WORKER_ID: 'two' } })
    for (let index = 0; index < 300; index++) assign(rig, `j-${index}`, `tenant-${index % 7}`)
    await rig.results.some(300 - 2 * 11)
    open()
    await rig.results.some(300)
    for (let index = 0; index < 300; index++) {
      expect(rig.resultsOf(`j-${index}`).length).toBe(1)
      const acks = rig.acksOf(`j-${index}`).map((ack) => ack['status'])
      expect(acks.length).toBe(1)
      if (rig.resultsOf(`j-${index}`)[0]?.['status'] === 'success') expect(acks).toEqual(['accepted'])
    }
    const done = rig.results.all.filter(({ wire }) => wire['status'] === 'success')
    expect(done.length).toBe(22)
  })
})

describe('acks', () => {
  test('say how full the queue is', async () => {
    const { handler, open } = gated()
    await using rig = await startRig({
      handlers: [handler],
      env: { WORKER_MAX_CONCURRENCY: '1', WORKER_QUEUE_SIZE: '10' },
    })
    for (let index = 0; index < 13; index++) assign(rig, `j-${index}`)
    await Promise.all([rig.result('j-11'), rig.result('j-12')])
    open()
    await rig.results.some(13)
    const seen = Array.from({ length: 13 }, (_, index) => rig.acksOf(`j-${index}`)[0]?.['overload_status'] as string)
    expect(seen).toEqual([
      ...Array<string>(6).fill('healthy'),
      ...Array<string>(3).fill('degraded'),
      ...Array<string>(2).fill('overloaded'),
      ...Array<string>(2).fill('critical'),
    ])
  })

  test('can be turned off', async () => {
    await using rig = await startRig({ env: { CAF_ACKS: 'off' } })
    rig.assign()
    rig.assign({ assignment_id: 'a-2', job: { type: 'unheard-of' } })
    await rig.results.some(2)
    expect(rig.acks.all).toEqual([])
  })
})

describe('a flood of one tenant', () => {
  test('of a job type not seen before makes the ten jobs of another wait about two jobs each', async () => {
    const order: string[] = []
    let release: () => void = () => undefined
    const handler = probe(
      (_input, { tenantId }) =>
        new Promise((resolve) => {
          order.push(tenantId)
          release = () => resolve('done')
        }),
    )
    await using rig = await startRig({
      handlers: [handler],
      env: {
        WORKER_MAX_CONCURRENCY: '1',
        WORKER_QUEUE_SIZE: '20000',
        LOG_LEVEL: 'warn',
        SHUTDOWN_GRACE_MS: '0',
      },
    })
    for (let index = 0; index < 1000; index++) assign(rig, `flood-${index}`, 'flood')
    for (let index = 0; index < 10; index++) assign(rig, `few-${index}`, 'few')
    await rig.acks.some(1010)
    for (let done = 1; done <= 30; done++) {
      while (order.length < done) await Promise.resolve()
      release()
      await rig.results.some(done)
    }
    const places = order.flatMap((tenant, index) => (tenant === 'few' ? [index] : []))
    expect(places.length).toBe(10)
    for (const [index, place] of places.entries()) expect(place).toBeLessThanOrEqual(2 * (index + 1))
    release()
  })
})
