import { describe, expect, test } from 'bun:test'
import { PublishError } from '../../src/bus/bus.ts'
import { JobError } from '../../src/errors.ts'
import { DeadLetterBox } from '../../src/exchange/dead-letter-box.ts'
import { type Report, Reporter } from '../../src/exchange/report.ts'
import { type Masks, noMask } from '../../src/lib/secret-mask.ts'
import { openLogger } from '../../src/observe/logger.ts'
import { Metrics } from '../../src/observe/metrics.ts'
import type { DeadLetter } from '../../src/protocol/dead-letter.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { maskOf } from '../support/mask-of.ts'
import { aborted } from '../support/probe.ts'

const origin = { subject: 'caf.exec.assign.v1', body: new TextEncoder().encode('{"x":1}'), headers: { a: 'b' } }
const caller = { assignmentId: 'a-1', tenantId: 'acme', jobType: 'echo', form: 'bare' as const }
const assignment = { assignment_id: 'a-1' }
const success: Report = {
  ...{ caller, origin, assignment, attempts: 1, latencyMs: 5, isStored: true },
  ending: { status: 'success', output: { n: 1 } },
}
const failure: Report = {
  ...success,
  ending: { status: 'error', error: new JobError('INTERNAL_ERROR', 'It broke'), retryable: false },
  bury: 'JOB_FAILED',
}

type Answer = 'arrived' | PublishError['reason'] | 'never'

/** `answers`: what each publish comes to, the last one for all that follow. */
function open(
  answers: readonly Answer[],
  options: { maxRetries?: number; diskFull?: boolean; maxPayload?: number; masks?: Masks } = {},
) {
  const clock = new FakeClock()
  const events: string[] = []
  const letters: DeadLetter[] = []
  const bodies: string[] = []
  const lines: string[] = []
  const disk = { full: options.diskFull ?? false }
  const closing = new AbortController()
  const metrics = new Metrics({ version: '0', bun: '0', commit: '0' }, clock)
  const log = openLogger({
    level: 'error',
    format: 'json',
    workerId: 'w',
    component: 'c',
    to: (line) => lines.push(line),
    clock,
  })
  const box = new DeadLetterBox({
    deadLetters: {
      async write(letter) {
        if (disk.full) throw new Error('no space left')
        events.push(`${letter.reason} at ${clock.monotonic()}`)
        letters.push(letter)
      },
    },
    ...{ path: 'dlq', notify: () => undefined, onBlocked: () => undefined, clock, log, metrics },
  })
  let published = 0
  const bus = {
    maxPayload: options.maxPayload ?? 1_000_000,
    async publish(message: { subject: string; body: Uint8Array }, signal?: AbortSignal): Promise<void> {
      expect(message.subject).toBe('results')
      signal?.throwIfAborted()
      events.push(`result at ${clock.monotonic()}`)
      bodies.push(new TextDecoder().decode(message.body))
      const answer = answers[Math.min(published++, answers.length - 1)]
      if (answer === 'never' && signal !== undefined) throw await aborted(signal)
      if (answer !== 'arrived' && answer !== 'never' && answer !== undefined)
        throw new PublishError(answer, 'not arrived')
    },
  }
  const reporter = new Reporter({
    ...{
      bus,
      box,
      resultSubject: 'results',
      envelope: 'auto',
      workerId: 'w-1',
      sandbox: false,
      masks: options.masks ?? { mask: noMask, maskFor: () => noMask },
    },
    ...{ maxRetries: options.maxRetries ?? 5, clock, log, metrics, closing: closing.signal },
  })
  const dispose = (): void => metrics[Symbol.dispose]()
  return { clock, events, letters, bodies, lines, disk, closing, metrics, reporter, [Symbol.dispose]: dispose }
}

describe('a report', () => {
  test('of a success is one result', async () => {
    using all = open(['arrived'])
    const encoded = await all.reporter.report(success)
    expect(all.events).toEqual(['result at 0'])
    expect(encoded?.ending.status).toBe('success')
    expect(JSON.parse(all.bodies[0] ?? '')).toMatchObject({ status: 'success', worker_id: 'w-1', output: { n: 1 } })
  })

  test('of a failure is a dead letter, and only then the result', async () => {
    using all = open(['arrived'])
    await all.reporter.report(failure)
    expect(all.events).toEqual(['JOB_FAILED at 0', 'result at 0'])
    expect(all.letters).toMatchObject([
      {
        reason: 'JOB_FAILED',
        worker_id: 'w-1',
        assignment,
        headers: { a: 'b' },
        error_code: 'INTERNAL_ERROR',
        attempts: 1,
      },
    ])
  })

  test('waits with the result for as long as the dead letter cannot be written', async () => {
    using all = open(['arrived'], { diskFull: true })
    const reported = all.reporter.report(failure)
    await all.clock.advance(100_000)
    expect(all.events).toEqual([])
    all.disk.full = false
    await all.clock.advance(10_000)
    expect(await reported).toBeDefined()
    expect(all.events.length).toBe(2)
    expect(all.events[0]).toStartWith('JOB_FAILED')
  })

  test('of a success whose output cannot be sent becomes a failure that is kept', async () => {
    using all = open(['arrived'], { maxPayload: 2000 })
    const output = 'x'.repeat(5000)
    const encoded = await all.reporter.report({ ...success, ending: { status: 'success', output } })
    expect(encoded?.ending).toMatchObject({ status: 'error', error: { code: 'OUTPUT_TOO_LARGE' } })
    expect(all.events).toEqual(['JOB_FAILED at 0', 'result at 0'])
  })
})

describe('a result that does not arrive', () => {
  test('is sent again after half a second, doubling, the same byte for byte', async () => {
    using all = open(['no-responders', 'unconfirmed', 'refused', 'arrived'])
    const reported = all.reporter.report(success)
    await all.clock.advance(10_000)
    expect(await reported).toBeDefined()
    expect(all.events).toEqual(['result at 0', 'result at 500', 'result at 1500', 'result at 3500'])
    expect(new Set(all.bodies).size).toBe(1)
    const { body } = await all.metrics.text()
    expect(body).toContain('worker_results_published_total 1')
    expect(body).toContain('worker_result_publish_retries_total 3')
  })

  test('is kept whole when its tries are used up, at most half a minute apart', async () => {
    using all = open(['no-responders'], { maxRetries: 9 })
    const reported = all.reporter.report(success)
    await all.clock.advance(1_000_000)
    expect(await reported).toBeDefined()
    expect(all.events.map((event) => Number(event.split(' at ')[1]))).toEqual([
      0, 500, 1500, 3500, 7500, 15_500, 31_500, 61_500, 91_500, 121_500, 121_500,
    ])
    expect(all.events.at(-1)).toStartWith('PUBLISH_ERROR')
    expect(all.letters).toMatchObject([
      { reason: 'PUBLISH_ERROR', assignment, result: { status: 'success', output: { n: 1 } } },
    ])
  })

  test('of a failed job is kept beside the job', async () => {
    using all = open(['no-responders'], { maxRetries: 0 })
    await all.reporter.report(failure)
    expect(all.letters.map(({ reason }) => reason)).toEqual(['JOB_FAILED', 'PUBLISH_ERROR'])
  })

  test.each(['too-large', 'closed'] as const)('and never will, as the bus is %s, is kept at once', async (reason) => {
    using all = open([reason])
    expect(await all.reporter.report(success)).toBeDefined()
    expect(all.events).toEqual(['result at 0', 'PUBLISH_ERROR at 0'])
  })

  test('because there is no connection waits, uses up no try, and is kept when the process closes', async () => {
    using all = open(['never'])
    const reported = all.reporter.report(success)
    await all.clock.advance(3_600_000)
    expect(all.events).toEqual(['result at 0'])
    all.closing.abort()
    expect(await reported).toBeDefined()
    expect(all.events).toEqual(['result at 0', 'PUBLISH_ERROR at 3600000'])
  })

  test('and that cannot be kept either is neither: the assignment must not be acked', async () => {
    using all = open(['no-responders'], { diskFull: true, maxRetries: 0 })
    const reported = all.reporter.report(success)
    await all.clock.advance(1000)
    all.closing.abort()
    expect(await reported).toBeUndefined()
  })

  test('and that neither the disk nor the bus keeps is at least named in the log', async () => {
    using all = open(['no-responders'], { diskFull: true, maxRetries: 0 })
    const reported = all.reporter.report({ ...success, isStored: false })
    await all.clock.advance(1000)
    all.closing.abort()
    expect(await reported).toBeDefined()
    expect(all.lines.some((line) => line.includes('could not be kept') && line.includes('a-1'))).toBe(true)
  })

  test('of a refusal for want of room is tried once and not kept: the caller sends the job again', async () => {
    using all = open(['no-responders'], { maxRetries: 3 })
    const error = new JobError('SYSTEM_OVERLOAD', 'No room')
    const overloaded: Report = { ...success, ending: { status: 'error', error, retryable: true } }
    expect(await all.reporter.report(overloaded)).toBeDefined()
    expect(all.letters).toEqual([])
  })
})

describe('what cannot be answered', () => {
  test('is kept with its bytes', async () => {
    using all = open(['arrived'])
    const error = new JobError('PARSE_ERROR', 'No JSON')
    expect(await all.reporter.keep({ origin, form: 'bare', reason: 'PARSE_ERROR', error })).toBe(true)
    expect(all.events).toEqual(['PARSE_ERROR at 0'])
    expect(all.letters).toMatchObject([{ raw: Buffer.from(origin.body).toString('base64'), error_code: 'PARSE_ERROR' }])
  })
})

test('a secret stands neither in the result nor in the dead letter nor in its notification', async () => {
  const masks = {
    mask: noMask,
    maskFor: (tenantId: string) => (tenantId === 'acme' ? maskOf('hunter2-hunter2') : noMask),
  }
  using all = open(['no-responders'], { masks, maxRetries: 0 })
  const error = new JobError('HTTP_ERROR', 'Answered hunter2-hunter2', { output: { echoed: 'hunter2-hunter2' } })
  const leaky = { assignment_id: 'a-1', job: { type: 'echo', payload: ['hunter2-hunter2'] } }
  const ending = { status: 'error', error, retryable: false } as const
  await all.reporter.report({ ...failure, assignment: leaky, ending })
  expect(all.letters.map(({ reason, masked }) => [reason, masked])).toEqual([
    ['JOB_FAILED', true],
    ['PUBLISH_ERROR', true],
  ])
  expect(JSON.stringify([all.letters, all.bodies])).not.toContain('hunter2')
  expect(all.letters[0]?.assignment).toEqual({ assignment_id: 'a-1', job: { type: 'echo', payload: ['***'] } })
})

test('what another tenant may not use is not masked for it; what has no tenant is masked by all that is known', async () => {
  const masks = { mask: maskOf('hunter2-hunter2'), maskFor: () => noMask }
  using all = open(['arrived'], { masks })
  await all.reporter.report({ ...success, ending: { status: 'success', output: 'hunter2-hunter2' } })
  expect(all.bodies.join()).toContain('hunter2-hunter2')
  const error = new JobError('PARSE_ERROR', 'Not JSON')
  const unreadable = { ...origin, body: new TextEncoder().encode('{hunter2-hunter2') }
  await all.reporter.keep({ origin: unreadable, form: 'bare', reason: 'PARSE_ERROR', error })
  expect(all.letters).toMatchObject([{ raw: Buffer.from('{***').toString('base64'), masked: true }])
})
