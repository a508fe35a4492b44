import { describe, expect, test } from 'bun:test'
import { StoredDelivery } from '../support/stored-delivery.ts'
import { assignment, bytesOf, startRig } from '../support/worker-rig.ts'

describe('admission', () => {
  test('accepts with one ack, which says what the wire wants', async () => {
    await using rig = await startRig()
    rig.assign({ request_id: 'r-1', trace_id: '0af7651916cd43dd8448eb211c80319c' })
    await rig.result('a-1')
    expect(rig.acksOf('a-1')).toEqual([
      {
        version: '1',
        assignment_id: 'a-1',
        request_id: 'r-1',
        tenant_id: 'acme',
        trace_id: '0af7651916cd43dd8448eb211c80319c',
        status: 'accepted',
        message: 'Assignment accepted',
        acknowledged_at: expect.any(Number),
        overload_status: 'healthy',
      },
    ])
    expect(rig.acks.all[0]?.headers).toMatchObject({ 'Nats-Msg-Id': 'acme:a-1:ack' })
  })

  test('refuses an unknown type, with ack and result, and keeps it for the operator', async () => {
    await using rig = await startRig()
    rig.assign({ job: { type: 'no_such_type' } })
    expect(await rig.result('a-1')).toMatchObject({
      status: 'error',
      error_code: 'UNKNOWN_JOB_TYPE',
      error_message: 'Unknown job type: no_such_type',
      attempts: 0,
      latency_ms: 0,
    })
    const text = 'Unknown job type: no_such_type'
    expect(rig.acksOf('a-1')).toMatchObject([{ status: 'rejected', message: text, reason: text }])
    await rig.drain()
    expect(await rig.deadLetters()).toMatchObject([{ reason: 'REJECTED', job_type: 'no_such_type' }])
    expect(await rig.metric('worker_assignments_total{outcome="rejected"}')).toBe(1)
  })

  test('does not repeat a type that the router would read as an outage', async () => {
    await using rig = await startRig()
    rig.assign({ job: { type: 'connection_test_5' } })
    expect(await rig.result('a-1')).toMatchObject({
      error_message: 'Unknown job type',
      error_details: { job_type: 'connection_test_5' },
      job_type: 'connection_test_5',
    })
  })

  test('serves only the tenants on the list, if there is one', async () => {
    await using rig = await startRig({ env: { WORKER_TENANT_ALLOWLIST: 'acme,other' } })
    rig.assign({ assignment_id: 'in' })
    rig.assign({ assignment_id: 'out', tenant_id: 'stranger' })
    expect(await rig.result('in')).toMatchObject({ status: 'success' })
    expect(await rig.result('out')).toMatchObject({ error_code: 'TENANT_NOT_ALLOWED', error_number: 2003, attempts: 0 })
    expect(rig.acksOf('out')).toMatchObject([{ status: 'rejected' }])
    await rig.drain()
    expect(await rig.deadLetters()).toMatchObject([{ reason: 'REJECTED', tenant_id: 'stranger' }])
  })

  test('asks for the type before the tenant, and whether the id is in use before both', async () => {
    await using rig = await startRig({ env: { WORKER_TENANT_ALLOWLIST: 'acme' } })
    rig.assign({ assignment_id: 'both', tenant_id: 'stranger', job: { type: 'no_such_type' } })
    expect(await rig.result('both')).toMatchObject({ error_code: 'UNKNOWN_JOB_TYPE' })
    rig.assign()
    await rig.result('a-1')
    rig.assign({ job: { type: 'no_such_type' } })
    await rig.results.some(3)
    expect(rig.resultsOf('a-1').map((result) => result['status'])).toEqual(['success', 'success'])
  })

  test.each([
    ['of an unknown type', { job: { type: 'no_such_type' } }],
    ['without a job', { job: undefined }],
    ['of an unknown version', { version: '7' }],
  ])('never contradicts a running job: a message %p under its id is only counted', async (_, other) => {
    await using rig = await startRig()
    rig.assign({ job: { type: 'sleep', payload: { ms: 50 } } })
    await rig.ack('a-1')
    rig.assign(other)
    expect(await rig.result('a-1')).toMatchObject({ status: 'success' })
    await rig.drain()
    expect([rig.acks.all.length, rig.results.all.length]).toEqual([1, 1])
    expect(await rig.deadLetters()).toEqual([])
    expect(await rig.metric('worker_assignments_total{outcome="conflict"}')).toBe(1)
  })

  test('gives a refused assignment that comes again its first result, byte for byte, and keeps it once', async () => {
    await using rig = await startRig()
    rig.assign({ job: { type: 'no_such_type' } })
    await rig.result('a-1')
    rig.assign({ job: { type: 'no_such_type' } })
    const [first, second] = await rig.results.some(2)
    expect(second?.text).toBe(first?.text as string)
    await rig.drain()
    expect(await rig.deadLetters()).toMatchObject([{ reason: 'REJECTED' }])
    expect(rig.acks.all.length).toBe(1)
  })

  test('checks the input only when the job runs', async () => {
    await using rig = await startRig()
    rig.assign({ job: { type: 'sleep', payload: { ms: 'soon' } } })
    expect(await rig.ack('a-1')).toMatchObject({ status: 'accepted' })
    expect(await rig.result('a-1')).toMatchObject({
      error_code: 'INVALID_INPUT',
      error_details: { fields: [{ field: 'ms' }] },
      attempts: 1,
    })
    await rig.drain()
    expect(await rig.deadLetters()).toMatchObject([{ reason: 'JOB_FAILED', error_code: 'INVALID_INPUT' }])
  })

  test('logs at debug what it ignored', async () => {
    await using rig = await startRig()
    rig.assign({ options: { priority: 'high', deadline_ms: [] }, executor: 7 })
    expect(await rig.result('a-1')).toMatchObject({ status: 'success' })
    const line = rig.log.all.find(({ message }) => message === 'Fields of a wrong type are ignored')
    expect(line).toMatchObject({ level: 'DEBUG', context: { ignored: expect.arrayContaining(['options.priority']) } })
  })
})

describe('what is no assignment', () => {
  test('is kept whole and counted; with readable ids the caller is told', async () => {
    await using rig = await startRig()
    rig.send(new Uint8Array([0xff, 0xfe, 0x00]))
    rig.send('[]')
    rig.assign({ job: 'text' })
    expect(await rig.result('a-1')).toMatchObject({ status: 'error', error_code: 'INVALID_INPUT', attempts: 0 })
    await rig.notifications.some(3)
    await rig.drain()
    expect(await rig.metric('worker_assignments_total{outcome="malformed"}')).toBe(3)
    const letters = await rig.deadLetters()
    expect(letters.map((letter) => letter['reason'] as string).sort()).toEqual([
      'DECODE_ERROR',
      'DECODE_ERROR',
      'PARSE_ERROR',
    ])
    const bytes = letters.find((letter) => letter['reason'] === 'PARSE_ERROR')
    expect(bytes).toMatchObject({ raw: Buffer.from([0xff, 0xfe, 0x00]).toString('base64'), payload_ref: { len: 3 } })
    expect([rig.acks.all.length, rig.results.all.length]).toEqual([1, 1])
  })

  test('but an envelope of another kind is acked, counted and left alone', async () => {
    await using rig = await startRig()
    const body = bytesOf({ version: 'v1', kind: 'heartbeat', data: { worker_id: 'x' } })
    const delivery = new StoredDelivery({ body })
    rig.deliver(delivery)
    await rig.drain()
    expect(delivery.done).toEqual(['ack'])
    expect(await rig.metric('worker_assignments_total{outcome="ignored"}')).toBe(1)
    expect([rig.acks.all, rig.results.all, await rig.deadLetters()]).toEqual([[], [], []])
  })
})

describe('the order of the answers', () => {
  test.each([
    ['a job that failed', assignment({ job: { type: 'sleep', payload: { ms: -1 } } })],
    ['a refused job', assignment({ job: { type: 'no_such_type' } })],
    ['a malformed one with ids', assignment({ job: [] })],
    ['an expired one', assignment({ options: { deadline_ms: 0 } })],
  ])('%s: dead letter, then result, then ack', async (_, message) => {
    const order: string[] = []
    await using rig = await startRig({ on: (what) => order.push(what) })
    const on = (what: string): unknown => order.push(`delivery ${what}`)
    rig.deliver(new StoredDelivery({ body: bytesOf(message), on }))
    await rig.result('a-1')
    await rig.drain()
    expect(order.filter((what) => !['heartbeat', 'ack'].includes(what))).toEqual([
      'dead letter',
      'result',
      'delivery ack',
    ])
  })

  test('a success: result, then ack', async () => {
    const order: string[] = []
    await using rig = await startRig({ on: (what) => order.push(what) })
    const on = (what: string): unknown => order.push(`delivery ${what}`)
    rig.deliver(new StoredDelivery({ body: bytesOf(assignment()), on }))
    await rig.result('a-1')
    await rig.drain()
    expect(order.filter((what) => what !== 'heartbeat')).toEqual(['ack', 'result', 'delivery ack'])
  })
})
