import { describe, expect, test } from 'bun:test'
import { JobError } from '../../src/errors.ts'
import type { Handler, JobContext } from '../../src/handler.ts'
import { openLogger } from '../../src/observe/logger.ts'
import { type ExecuteOptions, execute } from '../../src/worker/execute.ts'
import { type Outcome, Stop } from '../../src/worker/outcome.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { aborted, probe, untilStopped } from '../support/probe.ts'
import type { Wire } from '../support/worker-rig.ts'
import { makeJob } from './make-job.ts'

const log = openLogger({ level: 'error', format: 'json', workerId: 'w', component: 'c', to: () => undefined })

interface Attempt {
  readonly handler: Handler
  readonly fields?: Wire
  readonly payload?: unknown
  readonly options?: Partial<ExecuteOptions>
  readonly attempts?: number
}

function attempt({ handler, options, ...rest }: Attempt) {
  const clock = new FakeClock()
  const strictDeadline = options?.strictDeadline ?? false
  const job = makeJob({ clock, handler, strict: strictDeadline, ...rest })
  const around = { clock, log, maxOutputBytes: () => 1e6, readPayload: () => Promise.reject(new Error('it is here')) }
  const usual = { ...around, defaultTimeoutMs: 60_000, strictDeadline, sandbox: false }
  let outcome: Outcome | undefined
  const ended = execute(job, { ...usual, ...options }).then((how) => {
    outcome = how
    return how
  })
  return { clock, job, ended, outcome: () => outcome }
}

/** At which millisecond an attempt that waits for its signal is stopped. */
async function stoppedAfter(
  parts: Omit<Attempt, 'handler'> & { readonly handler?: Partial<Handler> },
): Promise<number> {
  const { clock, outcome } = attempt({ ...parts, handler: { ...probe(untilStopped), ...parts.handler } })
  for (let ms = 0; ms <= 200_000; ms += 10) {
    if (outcome() !== undefined) return ms
    await clock.advance(10)
  }
  throw new Error('it never stopped')
}

describe('an attempt', () => {
  test('succeeds with what the handler returns', async () => {
    const { ended, clock } = attempt({ handler: probe((input) => ({ got: input })), payload: { n: 1 } })
    expect(await ended).toEqual({ kind: 'succeeded', output: { got: { n: 1 } } })
    expect(clock.pending).toBe(0)
  })

  test('fails with the error of the handler, thrown at once or later', async () => {
    const error = new JobError('HTTP_ERROR', 'It answered', { details: { status: 404 } })
    const thrower = probe(() => undefined)
    const atOnce: Handler = {
      ...thrower,
      run() {
        throw error
      },
    }
    expect(await attempt({ handler: atOnce }).ended).toEqual({ kind: 'failed', error })
    const { ended, clock } = attempt({ handler: probe(() => Promise.reject(error)) })
    expect(await ended).toEqual({ kind: 'failed', error })
    expect(clock.pending).toBe(0)
  })

  test.each([new Error('boom'), 'text', undefined, null])(
    'fails with INTERNAL_ERROR on %p',
    async (thrown: unknown) => {
      const { promise, reject } = Promise.withResolvers<never>()
      reject(thrown)
      const outcome = await attempt({ handler: probe(() => promise) }).ended
      expect(outcome).toMatchObject({ kind: 'failed', error: { code: 'INTERNAL_ERROR' } })
      if (outcome.kind === 'failed') {
        expect(outcome.error.message).not.toContain('boom')
        expect(outcome.error.cause).toBe(thrown as Error)
      }
    },
  )

  test('fails before it runs when the input is wrong', async () => {
    let ran = false
    const handler = probe(() => {
      ran = true
    })
    const { ended } = attempt({ handler, payload: { timeout_ms: -1 } })
    expect(await ended).toMatchObject({ kind: 'failed', error: { code: 'INVALID_INPUT' } })
    expect(ran).toBe(false)
  })

  test('tells the handler who asks, which try it is, and gives it a log and a clock', async () => {
    let context: JobContext | undefined
    const handler = probe((_input, given) => {
      context = given
      given.log.info('hello')
    })
    const { clock, ended } = attempt({ handler, fields: { metadata: { user_id: 'u-1' } }, attempts: 2 })
    await ended
    expect(context).toMatchObject({ tenantId: 'acme', userId: 'u-1', attempt: 3 })
    expect(context?.clock).toBe(clock)
    expect(context?.signal.aborted).toBe(false)
  })
})

describe('the time limit', () => {
  const payload = (timeout?: number) => ({ ...(timeout === undefined ? {} : { timeout_ms: timeout }) })
  const job = (timeout: number | undefined, own?: number): Wire => ({
    job: { type: 'probe', payload: payload(own), ...(timeout === undefined ? {} : { timeout_ms: timeout }) },
  })

  test("is the payload's, else the job's, else the deadline, else the handler's, else the default", async () => {
    const deadline = { options: { deadline_ms: 400 } }
    const handler = { timeoutMs: 500 }
    expect(await stoppedAfter({ fields: { ...job(300, 200), ...deadline }, handler })).toBe(200)
    expect(await stoppedAfter({ fields: { ...job(300), ...deadline }, handler })).toBe(300)
    expect(await stoppedAfter({ fields: { ...job(undefined), ...deadline }, handler })).toBe(400)
    expect(await stoppedAfter({ fields: job(undefined), handler })).toBe(500)
    expect(await stoppedAfter({ fields: job(undefined), options: { defaultTimeoutMs: 600 } })).toBe(600)
  })

  test('sets the deadline aside when it is explicit, unless deadlines are strict', async () => {
    const late = { ...job(700), options: { deadline_ms: 100 } }
    expect(await stoppedAfter({ fields: late })).toBe(700)
    expect(await stoppedAfter({ fields: late, options: { strictDeadline: true } })).toBe(100)
    const early = { ...job(100), options: { deadline_ms: 700 } }
    expect(await stoppedAfter({ fields: early, options: { strictDeadline: true } })).toBe(100)
  })

  test('stands still while the handler waits for its turn, but the deadline does not', async () => {
    const left: number[] = []
    const waiting = {
      ...probe(async (input, context) => {
        left.push(context.resumeTime())
        await context.clock.sleep(30)
        context.pauseTime()
        await context.clock.sleep(40)
        context.pauseTime()
        left.push(context.timeLeftMs())
        await context.clock.sleep(20)
        left.push(context.resumeTime())
        return untilStopped(input, context)
      }),
    }
    expect(await stoppedAfter({ fields: job(100), handler: waiting })).toBe(160)
    expect(await stoppedAfter({ handler: { ...waiting, timeoutMs: 100 } })).toBe(160)
    expect(await stoppedAfter({ fields: { options: { deadline_ms: 100 } }, handler: waiting })).toBe(100)
    const strict = { fields: { ...job(100), options: { deadline_ms: 130 } }, options: { strictDeadline: true } }
    expect(await stoppedAfter({ ...strict, handler: waiting })).toBe(130)
    expect(left).toEqual([100, 70, 70, 100, 70, 70, 100, 30, 10, 100, 60, 40])
  })

  test('a deadline that passes while it stands still ends the attempt', async () => {
    const waiting = probe((input, context) => {
      context.pauseTime()
      return untilStopped(input, context)
    })
    expect(await stoppedAfter({ fields: { options: { deadline_ms: 100 } }, handler: waiting })).toBe(100)
    const strict = { fields: { ...job(50), options: { deadline_ms: 80 } }, options: { strictDeadline: true } }
    expect(await stoppedAfter({ ...strict, handler: waiting })).toBe(80)
  })

  test('does not go on once it is up, or when the attempt has ended', async () => {
    const contexts: JobContext[] = []
    const stopped = attempt({
      handler: probe(async (_input, context) => {
        contexts.push(context)
        await aborted(context.signal)
        context.pauseTime()
        return context.resumeTime()
      }),
      fields: job(50),
    })
    await stopped.clock.advance(50)
    expect(await stopped.ended).toEqual({ kind: 'succeeded', output: 0 })
    contexts[0]?.pauseTime()
    expect(contexts[0]?.resumeTime()).toBe(0)
    expect(stopped.clock.pending).toBe(0)
  })

  test('tells what is left of it, by the limit and the deadline, and nothing once it is over', async () => {
    const contexts: JobContext[] = []
    const seen: number[] = []
    const handler = probe(async (_input, context) => {
      contexts.push(context)
      seen.push(context.timeLeftMs())
      await context.clock.sleep(30)
      seen.push(context.timeLeftMs())
      context.pauseTime()
      await context.clock.sleep(5)
      seen.push(context.timeLeftMs())
      context.resumeTime()
      await aborted(context.signal)
      seen.push(context.timeLeftMs())
    })
    for (const parts of [{ fields: job(50) }, { fields: { options: { deadline_ms: 50 } } }]) {
      const stopped = attempt({ handler, ...parts })
      await stopped.clock.advance(100)
      expect(await stopped.ended).toMatchObject({ kind: 'succeeded' })
      expect(contexts.pop()?.timeLeftMs()).toBe(0)
    }
    expect(seen).toEqual([50, 20, 20, 0, 50, 20, 15, 0])
  })

  test('aborts the signal with a reason, and the outcome says why', async () => {
    const reasons: unknown[] = []
    const handler = probe(async (_input, { signal }) => {
      reasons.push(await aborted(signal))
      throw new Error('stopped')
    })
    const { clock, ended } = attempt({ handler, fields: job(50) })
    await clock.advance(50)
    expect(await ended).toEqual({ kind: 'stopped', why: 'timeout', unsent: false, stuck: false })
    expect(reasons).toMatchObject([{ why: 'timeout' }])
    expect(reasons[0]).toBeInstanceOf(Stop)
    expect(clock.pending).toBe(0)
  })

  test('an effect that had not left is told apart', async () => {
    const handler = probe(async (_input, { signal }) => {
      await aborted(signal)
      throw new JobError('HTTP_REQUEST_FAILED', 'Not sent', { unsent: true })
    })
    const { clock, ended } = attempt({ handler, fields: job(50) })
    await clock.advance(50)
    expect(await ended).toMatchObject({ kind: 'stopped', unsent: true })
  })

  test('a handler that made it all the same has succeeded', async () => {
    const handler = probe(async (_input, { signal }) => {
      await aborted(signal)
      return 'made it'
    })
    const { clock, ended } = attempt({ handler, fields: job(50) })
    await clock.advance(50)
    expect(await ended).toEqual({ kind: 'succeeded', output: 'made it' })
  })
})

describe('being told to stop', () => {
  test.each(['cancelled', 'interrupted'] as const)('%s aborts the signal', async (why) => {
    const { job, ended } = attempt({ handler: probe(untilStopped) })
    job.stop(why)
    expect(await ended).toEqual({ kind: 'stopped', why, unsent: false, stuck: false })
  })

  test('soon lets the attempt end by itself', async () => {
    const gate = Promise.withResolvers<string>()
    const { job, ended } = attempt({ handler: probe(() => gate.promise) })
    job.stopSoon('interrupted')
    gate.resolve('done')
    expect(await ended).toEqual({ kind: 'succeeded', output: 'done' })
  })

  test.each(['timeout', 'cancelled', 'interrupted'] as const)(
    'a handler that ignores %s is stuck after a second',
    async (why) => {
      const gate = Promise.withResolvers<string>()
      const { job, clock, outcome, ended } = attempt({
        handler: probe(() => gate.promise),
        fields: { job: { type: 'probe', timeout_ms: 50 } },
      })
      if (why !== 'timeout') job.stop(why)
      await clock.advance(why === 'timeout' ? 50 : 0)
      await clock.advance(999)
      expect(outcome()).toBeUndefined()
      await clock.advance(1)
      expect(await ended).toEqual({ kind: 'stopped', why, unsent: false, stuck: true })
      gate.reject(new Error('far too late'))
      await clock.advance(1)
      expect(outcome()).toMatchObject({ stuck: true })
    },
  )
})

describe('sandbox', () => {
  test('a handler with an effect answers with its sample, unrun, but its input is checked', async () => {
    let ran = false
    const handler = probe(
      () => {
        ran = true
      },
      { sandbox: 'sample' },
    )
    expect(await attempt({ handler, options: { sandbox: true } }).ended).toEqual({
      kind: 'succeeded',
      output: { sample: true },
    })
    const wrong = { handler, payload: { timeout_ms: 0 }, options: { sandbox: true } }
    expect(await attempt(wrong).ended).toMatchObject({ kind: 'failed' })
    expect(ran).toBe(false)
  })

  test('a handler that touches nothing runs', async () => {
    const { ended } = attempt({ handler: probe(() => 'ran'), options: { sandbox: true } })
    expect(await ended).toEqual({ kind: 'succeeded', output: 'ran' })
  })
})
