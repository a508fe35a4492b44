import { describe, expect, test } from 'bun:test'
import { JobError } from '../../src/errors.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { aborted, probe, untilStopped } from '../support/probe.ts'
import { startRig, type Wire } from '../support/worker-rig.ts'

function failing(times: number, error = new JobError('HTTP_REQUEST_FAILED', 'It failed')) {
  const startedAt: number[] = []
  const handler = probe((_input, { clock, attempt }) => {
    startedAt.push(clock.monotonic())
    if (startedAt.length <= times) throw error
    return { attempt }
  })
  return { handler, startedAt }
}

function job(maxAttempts: number, fields: Wire = {}, backoffMs?: number): Wire {
  const retry = { max_attempts: maxAttempts, ...(backoffMs === undefined ? {} : { backoff_ms: backoffMs }) }
  const { options, ...rest } = fields
  return { job: { type: 'probe' }, ...rest, options: { ...(options as Wire | undefined), retry } }
}

describe('tries', () => {
  test('follow each other in place until one succeeds', async () => {
    const clock = new FakeClock()
    const { handler, startedAt } = failing(2)
    await using rig = await startRig({ handlers: [handler], clock })
    rig.assign(job(3))
    await clock.advance(700)
    expect(await rig.result('a-1')).toMatchObject({ status: 'success', output: { attempt: 3 }, attempts: 3 })
    const [first = 0, second = 0, third = 0] = startedAt
    expect(second - first).toBeLessThanOrEqual(200)
    expect(third - second).toBeLessThanOrEqual(400)
    expect(rig.resultsOf('a-1')[0]?.['latency_ms']).toBe(third - first)
    expect(await rig.metric('worker_job_retries_total{type="probe",error_code="HTTP_REQUEST_FAILED"}')).toBe(2)
    expect(await rig.deadLetters()).toEqual([])
    expect(rig.acks.all.length).toBe(1)
  })

  test('end with a dead letter and a retryable error when they are used up', async () => {
    const clock = new FakeClock()
    const { handler, startedAt } = failing(9)
    await using rig = await startRig({ handlers: [handler], clock })
    rig.assign(job(3, {}, 0))
    await clock.advance(10)
    expect(await rig.result('a-1')).toMatchObject({ error_code: 'HTTP_REQUEST_FAILED', retryable: true, attempts: 3 })
    expect(startedAt.length).toBe(3)
    await rig.drain()
    expect(await rig.deadLetters()).toMatchObject([{ reason: 'JOB_FAILED', attempts: 3 }])
    expect(await rig.metric('worker_jobs_total{type="probe",status="error"}')).toBe(1)
    expect(await rig.metric('worker_job_errors_total{type="probe",error_code="HTTP_REQUEST_FAILED"}')).toBe(1)
    expect(await rig.metric('worker_job_duration_seconds_count{type="probe",status="error"}')).toBe(1)
  })

  test('do not follow an error that is not retried, nor one without anyone asking', async () => {
    const once = failing(9, new JobError('INTERNAL_ERROR', 'It broke'))
    await using rig = await startRig({ handlers: [once.handler] })
    rig.assign(job(5))
    expect(await rig.result('a-1')).toMatchObject({ error_code: 'INTERNAL_ERROR', retryable: false, attempts: 1 })
    const unasked = failing(9)
    await using other = await startRig({ handlers: [unasked.handler] })
    other.assign({ job: { type: 'probe' } })
    expect(await other.result('a-1')).toMatchObject({ retryable: true, attempts: 1 })
    expect([once.startedAt.length, unasked.startedAt.length]).toEqual([1, 1])
  })

  test('of an effect that may have left are not made', async () => {
    const handler = probe(() => Promise.reject(new JobError('HTTP_REQUEST_FAILED', 'It failed')), {
      effect: () => 'once',
    })
    await using rig = await startRig({ handlers: [handler] })
    rig.assign(job(5))
    expect(await rig.result('a-1')).toMatchObject({
      error_code: 'HTTP_REQUEST_FAILED',
      retryable: false,
      error_details: { outcome: 'unknown' },
      attempts: 1,
    })
  })

  test('do not start after the deadline', async () => {
    const clock = new FakeClock()
    const wait = new JobError('HTTP_ERROR', 'It failed', { retry: { afterMs: 300 } })
    const { handler, startedAt } = failing(9, wait)
    await using rig = await startRig({ handlers: [handler], clock })
    rig.assign(job(9, { options: { deadline_ms: 700 } }))
    await clock.advance(2000)
    expect(await rig.result('a-1')).toMatchObject({ error_code: 'HTTP_ERROR', attempts: 3, retryable: true })
    expect(startedAt.length).toBe(3)
  })

  test('that did nothing are not counted, and the log says why a job failed in the end', async () => {
    const clock = new FakeClock()
    const details = { breaker: 'open', host: 'api.example.com' }
    const left = { retry: { afterMs: 1000 }, unsent: true, uncharged: true, details }
    const { handler, startedAt } = failing(20, new JobError('RESOURCE_UNAVAILABLE', 'Left alone', left))
    await using rig = await startRig({ handlers: [handler], clock })
    rig.assign(job(2))
    await clock.advance(20_000)
    expect(await rig.result('a-1')).toMatchObject({ status: 'success', attempts: 1 })
    expect(startedAt.length).toBe(21)
    const { handler: other } = failing(1, new JobError('RESOURCE_UNAVAILABLE', 'Left alone', left))
    await using impatient = await startRig({ handlers: [other], clock })
    impatient.assign(job(1))
    expect(await impatient.result('a-1')).toMatchObject({ status: 'error', attempts: 1, retryable: true })
    const line = await impatient.log.first(({ message }) => message === 'Job failed')
    expect(line['context']).toMatchObject({ reason: 'Left alone', details })
  })

  test('give up the slot while they wait', async () => {
    const clock = new FakeClock()
    const { handler } = failing(1, new JobError('HTTP_ERROR', 'It failed', { retry: { afterMs: 60_000 } }))
    const quick = probe(() => 'quick', { type: 'quick' })
    await using rig = await startRig({ handlers: [handler, quick], clock, env: { WORKER_MAX_CONCURRENCY: '1' } })
    rig.assign(job(2))
    rig.assign({ assignment_id: 'a-2', job: { type: 'quick' } })
    expect(await rig.result('a-2')).toMatchObject({ status: 'success' })
    expect(rig.role.activeJobs).toBe(0)
    await clock.advance(60_000)
    expect(await rig.result('a-1')).toMatchObject({ status: 'success', attempts: 2, latency_ms: 60_000 })
  })
})

describe('time', () => {
  test('runs out while waiting for a slot: the job is not started', async () => {
    const clock = new FakeClock()
    const ran: string[] = []
    const handler = probe((input, context) => {
      ran.push(context.assignmentId)
      return untilStopped(input, context)
    })
    await using rig = await startRig({ handlers: [handler], clock, env: { WORKER_MAX_CONCURRENCY: '1' } })
    rig.assign({ assignment_id: 'long', job: { type: 'probe', timeout_ms: 5000 } })
    rig.assign({ assignment_id: 'late', job: { type: 'probe' }, options: { deadline_ms: 1000 } })
    await clock.advance(1100)
    expect(await rig.result('late')).toMatchObject({
      status: 'timeout',
      error_code: 'DEADLINE_EXCEEDED',
      retryable: false,
      attempts: 0,
      latency_ms: 0,
    })
    expect(ran).toEqual(['long'])
    expect(await rig.metric('worker_assignments_total{outcome="expired"}')).toBe(1)
    await clock.advance(4000)
    await rig.result('long')
    await rig.drain()
    const letters = await rig.deadLetters()
    expect(letters.map((letter) => letter['reason'] as string)).toEqual(['EXPIRED', 'JOB_FAILED'])
  })

  test('runs out while a handler ignores that: the slot is free, and there is no second try beside the first', async () => {
    const clock = new FakeClock()
    let runs = 0
    const handler = probe(async (_input, { signal }) => {
      runs++
      await aborted(signal)
      await new Promise(() => undefined)
    })
    await using rig = await startRig({ handlers: [handler], clock, env: { WORKER_MAX_CONCURRENCY: '1' } })
    rig.assign(job(5, { job: { type: 'probe', timeout_ms: 500 } }))
    await clock.advance(500)
    expect(rig.role.activeJobs).toBe(1)
    await clock.advance(1000)
    expect(await rig.result('a-1')).toMatchObject({ status: 'timeout', error_code: 'TIMEOUT', attempts: 1 })
    await clock.advance(60_000)
    expect([runs, rig.role.activeJobs]).toEqual([1, 0])
    expect(await rig.metric('worker_stuck_jobs_total{type="probe"}')).toBe(1)
    expect(rig.log.all.filter(({ level }) => level === 'ERROR').length).toBe(1)
  })
})

describe('an output', () => {
  test('that does not fit is OUTPUT_TOO_LARGE, and the job is kept', async () => {
    await using rig = await startRig({ handlers: [probe(() => 'x'.repeat(2_000_000))] })
    rig.assign({ job: { type: 'probe' } })
    expect(await rig.result('a-1')).toMatchObject({
      status: 'error',
      error_code: 'OUTPUT_TOO_LARGE',
      error_number: 2004,
    })
    await rig.drain()
    expect(await rig.deadLetters()).toMatchObject([{ reason: 'JOB_FAILED', error_code: 'OUTPUT_TOO_LARGE' }])
    expect(await rig.metric('worker_jobs_total{type="probe",status="error"}')).toBe(1)
  })

  test.each([1n, { toJSON: () => Promise.reject.bind(0)() }, circular()])(
    'that is not JSON is INTERNAL_ERROR',
    async (output) => {
      await using rig = await startRig({ handlers: [probe(() => output)] })
      rig.assign({ job: { type: 'probe' } })
      expect(await rig.result('a-1')).toMatchObject({ status: 'error', error_code: 'INTERNAL_ERROR' })
    },
  )

  test('of a failure is sent along', async () => {
    const error = new JobError('HTTP_ERROR', 'It said no', { details: { status: 404 }, output: { body: 'gone' } })
    await using rig = await startRig({ handlers: [probe(() => Promise.reject(error))] })
    rig.assign({ job: { type: 'probe' } })
    expect(await rig.result('a-1')).toMatchObject({
      error_code: 'HTTP_ERROR',
      output: { body: 'gone' },
      error_details: { status: 404 },
    })
  })
})

describe('sandbox mode', () => {
  test('runs nothing with an effect, and every result says so', async () => {
    let ran = false
    const handler = probe(
      () => {
        ran = true
      },
      { sandbox: 'sample' },
    )
    const harmless = probe(() => 'ran', { type: 'harmless' })
    await using rig = await startRig({ handlers: [handler, harmless], env: { WORKER_SANDBOX_MODE: 'true' } })
    rig.assign({ job: { type: 'probe' } })
    rig.assign({ assignment_id: 'a-2', job: { type: 'harmless' } })
    rig.assign({ assignment_id: 'a-3', job: { type: 'no_such_type' } })
    expect(await rig.result('a-1')).toMatchObject({ output: { sample: true }, sandbox: true })
    expect(await rig.result('a-2')).toMatchObject({ output: 'ran', sandbox: true })
    expect(await rig.result('a-3')).toMatchObject({ status: 'error', sandbox: true })
    expect(ran).toBe(false)
    expect(rig.heartbeats.all[0]?.wire['metadata']).toMatchObject({ sandbox: true })
  })
})

describe('the log', () => {
  test('has one line for a job that ends, with its ids', async () => {
    await using rig = await startRig({ env: { LOG_LEVEL: 'info' } })
    rig.assign({ request_id: 'r-1', trace_id: 't-1' })
    await rig.result('a-1')
    const about = rig.log.all.filter((line) => line['assignment_id'] === 'a-1')
    expect(about).toMatchObject([
      {
        level: 'INFO',
        job_id: 'a-1',
        request_id: 'r-1',
        tenant_id: 'acme',
        trace_id: 't-1',
        job_type: 'echo',
        status: 'success',
      },
    ])
  })

  test('shows where an unforeseen error came from, but not to the caller', async () => {
    await using rig = await startRig({
      handlers: [probe(() => Promise.reject(new TypeError('undefined is not a cow')))],
    })
    rig.assign({ job: { type: 'probe' } })
    await rig.result('a-1')
    await rig.drain()
    expect(rig.results.all[0]?.text).not.toContain('cow')
    expect(JSON.stringify(rig.log.all.find(({ level }) => level === 'WARN'))).toContain('undefined is not a cow')
  })
})

function circular(): unknown {
  const value: Record<string, unknown> = {}
  value['self'] = value
  return value
}
