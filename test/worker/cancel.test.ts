import { describe, expect, test } from 'bun:test'
import type { Received } from '../../src/bus/bus.ts'
import { MemoryHub } from '../../src/bus/memory-bus.ts'
import { JobError } from '../../src/errors.ts'
import { openLogger } from '../../src/observe/logger.ts'
import { encodeCancel } from '../../src/protocol/cancel.ts'
import { Cancellations } from '../../src/worker/cancel.ts'
import { HeldJobs } from '../../src/worker/status.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { probe, untilStopped } from '../support/probe.ts'
import { startRig } from '../support/worker-rig.ts'
import { makeJob } from './make-job.ts'

const cancelled = { status: 'cancelled', error_code: 'CANCELLED', error_number: 5001, retryable: false }

describe('a job that is cancelled', () => {
  test('while it runs is stopped, frees its slot, and is not dead-lettered', async () => {
    const started = Promise.withResolvers<void>()
    const handler = probe((input, context) => {
      started.resolve()
      return untilStopped(input, context)
    })
    await using rig = await startRig({ handlers: [handler] })
    rig.assign({ job: { type: 'probe' } })
    await started.promise
    rig.cancel('a-1')
    expect(await rig.result('a-1')).toMatchObject({ ...cancelled, attempts: 1 })
    await rig.drain()
    expect(rig.role.activeJobs).toBe(0)
    expect(await rig.deadLetters()).toEqual([])
    expect(await rig.metric('worker_jobs_total{type="probe",status="cancelled"}')).toBe(1)
  })

  test('while it waits for a slot never runs', async () => {
    const ran: string[] = []
    const handler = probe((input, context) => {
      ran.push(context.assignmentId)
      return untilStopped(input, context)
    })
    await using rig = await startRig({ handlers: [handler], env: { WORKER_MAX_CONCURRENCY: '1' } })
    rig.assign({ assignment_id: 'first', job: { type: 'probe' } })
    rig.assign({ assignment_id: 'second', job: { type: 'probe' } })
    await rig.ack('second')
    rig.cancel('second')
    expect(await rig.result('second')).toMatchObject({ ...cancelled, attempts: 0, latency_ms: 0 })
    rig.cancel('first')
    await rig.result('first')
    expect(ran).toEqual(['first'])
  })

  test('while it waits for a retry is not tried again', async () => {
    let tries = 0
    const handler = probe(() => {
      tries++
      throw new JobError('HTTP_REQUEST_FAILED', 'It failed', { retry: { afterMs: 600_000 } })
    })
    await using rig = await startRig({ handlers: [handler] })
    rig.assign({ job: { type: 'probe' }, options: { retry: { max_attempts: 3 } } })
    await rig.log.first((line) => line['message'] === 'Job retrying')
    rig.cancel('a-1')
    expect(await rig.result('a-1')).toMatchObject({ ...cancelled, attempts: 1 })
    expect(tries).toBe(1)
  })

  test('before it arrives is accepted and cancelled, and does not run', async () => {
    let ran = false
    const handler = probe(() => {
      ran = true
    })
    await using rig = await startRig({ handlers: [handler] })
    rig.cancel('a-1')
    rig.assign({ job: { type: 'probe' } })
    expect(await rig.result('a-1')).toMatchObject({ ...cancelled, attempts: 0 })
    expect(await rig.ack('a-1')).toMatchObject({ status: 'accepted' })
    expect(ran).toBe(false)
  })

  test('in the moment between its slot and its start does not run', async () => {
    let ran = false
    const handler = probe(() => {
      ran = true
    })
    await using rig = await startRig({ handlers: [handler] })
    rig.assign({ job: { type: 'probe' } })
    rig.cancel('a-1')
    expect(await rig.result('a-1')).toMatchObject({ ...cancelled, attempts: 0 })
    expect(ran).toBe(false)
    expect(rig.role.activeJobs).toBe(0)
  })

  test('under another tenant goes on', async () => {
    await using rig = await startRig()
    rig.cancel('a-1', 'somebody-else')
    rig.assign()
    expect(await rig.result('a-1')).toMatchObject({ status: 'success' })
  })

  test('after its end keeps its result', async () => {
    await using rig = await startRig()
    rig.assign()
    await rig.result('a-1')
    rig.cancel('a-1')
    rig.assign()
    await rig.results.some(2)
    expect(rig.resultsOf('a-1').map((result) => result['status'])).toEqual(['success', 'success'])
  })

  test('although its handler ignores that is cancelled when it counts as stuck', async () => {
    const clock = new FakeClock()
    const started = Promise.withResolvers<void>()
    const handler = probe(() => {
      started.resolve()
      return new Promise(() => undefined)
    })
    await using rig = await startRig({ handlers: [handler], clock })
    rig.assign({ job: { type: 'probe' } })
    await started.promise
    rig.cancel('a-1')
    await clock.advance(1000)
    expect(await rig.result('a-1')).toMatchObject(cancelled)
    expect(await rig.metric('worker_stuck_jobs_total{type="probe"}')).toBe(1)
    expect(rig.role.activeJobs).toBe(0)
  })
})

describe('requests', () => {
  function open() {
    const clock = new FakeClock()
    const lines: string[] = []
    const log = openLogger({
      level: 'info',
      format: 'json',
      workerId: 'w',
      component: 'c',
      to: (line) => lines.push(line),
      clock,
    })
    const held = new HeldJobs()
    return { clock, lines, held, cancellations: new Cancellations(held, { cancel: async () => false }, clock, log) }
  }

  test('for a job that is not here are remembered for ten minutes, and used once', async () => {
    const { clock, cancellations } = open()
    expect(await cancellations.cancel({ tenantId: 'acme', assignmentId: 'a-1' })).toBe('cancel_requested')
    await clock.advance(599_999)
    expect(cancellations.awaits('acme\na-1')).toBe(true)
    expect(cancellations.awaits('acme\na-1')).toBe(false)
    await cancellations.cancel({ tenantId: 'acme', assignmentId: 'a-2' })
    await clock.advance(600_000)
    expect(cancellations.awaits('acme\na-2')).toBe(false)
  })

  test('that never meet their job do not pile up', async () => {
    const { cancellations } = open()
    for (let index = 0; index < 10_001; index++)
      await cancellations.cancel({ tenantId: 'acme', assignmentId: String(index) })
    expect(cancellations.awaits('acme\n0')).toBe(false)
    expect(cancellations.awaits('acme\n10000')).toBe(true)
  })

  test('are answered, first by who holds the job, and what cannot be read is logged and left unanswered', async () => {
    const { clock, lines, held, cancellations } = open()
    const job = makeJob({ clock, fields: { assignment_id: 'here' } })
    held.add(job)
    const replies: string[] = []
    let hear: (message: Received) => void = () => undefined
    const bus = new MemoryHub({ assignSubject: 'a' }).open()
    bus.subscribe = (subject, given) => {
      hear = given
      return { stop: async () => void subject }
    }
    cancellations.listen(bus, 'cancel')
    const ask = (body: Uint8Array): void =>
      hear({
        subject: 'cancel',
        headers: {},
        body,
        respond: (answer) => replies.push(new TextDecoder().decode(answer)),
      })
    ask(encodeCancel({ tenantId: 'acme', assignmentId: 'elsewhere' }))
    ask(encodeCancel({ tenantId: 'acme', assignmentId: 'here' }))
    ask(new TextEncoder().encode('{"nothing":1}'))
    await clock.advance(200)
    expect(replies).toEqual(['{"status":"cancelled"}', '{"status":"cancel_requested"}'])
    expect(job.stopped).toBe('cancelled')
    expect(lines.length).toBe(1)
  })
})
