/** Jobs whose payload is somewhere else: what an attempt does before it has it. */
import { describe, expect, test } from 'bun:test'
import { JobError } from '../../src/errors.ts'
import type { Handler } from '../../src/handler.ts'
import { openLogger } from '../../src/observe/logger.ts'
import { type ExecuteOptions, execute } from '../../src/worker/execute.ts'
import type { Outcome } from '../../src/worker/outcome.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { aborted, probe, untilStopped } from '../support/probe.ts'
import type { Wire } from '../support/worker-rig.ts'
import { makeJob } from './make-job.ts'

const log = openLogger({ level: 'error', format: 'json', workerId: 'w', component: 'c', to: () => undefined })

interface Attempt {
  readonly handler: Handler
  readonly read: ExecuteOptions['readPayload']
  readonly job?: Wire
  readonly fields?: Wire
  readonly options?: Partial<ExecuteOptions>
}

function attempt({ handler, read, job = {}, fields = {}, options }: Attempt) {
  const clock = new FakeClock()
  const made = makeJob({
    clock,
    handler,
    fields: { job: { type: handler.type, payload_ref: 'fs:a/b.json', ...job }, ...fields },
  })
  const limits = { defaultTimeoutMs: 60_000, maxOutputBytes: () => 1e6 }
  const usual = { clock, log, ...limits, strictDeadline: false, sandbox: false, readPayload: read }
  const run = (): Promise<Outcome> => execute(made, { ...usual, ...options })
  return { clock, made, run }
}

const repeats = probe((input) => ({ got: input }))

describe('a payload that is somewhere else', () => {
  test('is asked for by tenant and reference, and is the input', async () => {
    const asked: unknown[] = []
    const { run } = attempt({
      handler: repeats,
      read: async (...what) => {
        asked.push(what.slice(0, 2))
        return { n: 1 }
      },
    })
    expect(await run()).toEqual({ kind: 'succeeded', output: { got: { n: 1 } } })
    expect(asked).toEqual([['acme', 'fs:a/b.json']])
  })

  test('is read once for all tries, but again when it could not be had', async () => {
    let reads = 0
    const failing = probe(() => Promise.reject(new JobError('RESOURCE_UNAVAILABLE', 'Not now')))
    const { run, made } = attempt({
      handler: failing,
      read: async () => {
        if (++reads === 1) throw new JobError('RESOURCE_UNAVAILABLE', 'The store is away')
        return {}
      },
    })
    for (const message of ['The store is away', 'Not now', 'Not now']) {
      expect(await run()).toMatchObject({ kind: 'failed', error: { message } })
    }
    expect(reads).toBe(2)
    expect(made.prepared).toBeDefined()
  })

  test('is checked like any input', async () => {
    const { run } = attempt({ handler: repeats, read: async () => ({ timeout_ms: 'soon' }) })
    expect(await run()).toMatchObject({ kind: 'failed', error: { code: 'INVALID_INPUT' } })
  })

  test.each(['ftp:x', 'fs', 7, { a: 1 }])('is not looked for under %p', async (reference) => {
    const { run } = attempt({ handler: repeats, read: async () => 'found', job: { payload_ref: reference } })
    const error = { code: 'INVALID_INPUT', details: { field: 'payload_ref' } }
    expect(await run()).toMatchObject({ kind: 'failed', error })
  })

  test('is not read in sandbox mode, where nothing can have put it there', async () => {
    const unread = (): Promise<never> => Promise.reject(new Error('it was read'))
    const { run } = attempt({ handler: repeats, read: unread, options: { sandbox: true } })
    expect(await run()).toEqual({ kind: 'succeeded', output: repeats.sample })
    const wrong = attempt({ handler: repeats, read: unread, job: { payload_ref: 'x:y' }, options: { sandbox: true } })
    expect(await wrong.run()).toMatchObject({ kind: 'failed', error: { code: 'INVALID_INPUT' } })
  })
})

describe('the time to read it', () => {
  const slow: ExecuteOptions['readPayload'] = async (_tenant, _reference, signal) => {
    throw await aborted(signal)
  }

  test.each([
    [{ job: { timeout_ms: 70 } }, 70],
    [{ fields: { options: { deadline_ms: 80 } } }, 80],
    [{}, 60_000],
  ])('is limited by what is known: %p', async (parts, limitMs) => {
    const { run, clock } = attempt({ handler: repeats, read: slow, ...parts })
    let outcome: Outcome | undefined
    void run().then((ended) => {
      outcome = ended
    })
    await clock.advance(limitMs - 1)
    expect(outcome).toBeUndefined()
    await clock.advance(1)
    expect(outcome).toEqual({ kind: 'stopped', why: 'timeout', unsent: false, stuck: false })
    expect(clock.pending).toBe(0)
  })

  test('counts: the limit in the payload is that of reading and running together', async () => {
    const { run, clock } = attempt({
      handler: probe(untilStopped),
      read: async () => {
        await clock.sleep(60)
        return { timeout_ms: 100 }
      },
    })
    let outcome: Outcome | undefined
    void run().then((ended) => {
      outcome = ended
    })
    await clock.advance(60)
    await clock.advance(39)
    expect(outcome).toBeUndefined()
    await clock.advance(1)
    expect(outcome).toMatchObject({ kind: 'stopped', why: 'timeout' })
    expect(clock.pending).toBe(0)
  })

  test.each(['cancelled', 'interrupted'] as const)('ends when the job is %s', async (why) => {
    const { run, made } = attempt({ handler: repeats, read: slow })
    const ended = run()
    made.stop(why)
    expect(await ended).toEqual({ kind: 'stopped', why, unsent: false, stuck: false })
  })

  test('that comes when the job was already told to stop runs nothing', async () => {
    let ran = false
    const handler = probe(() => {
      ran = true
    })
    const gate = Promise.withResolvers<unknown>()
    const { run, made } = attempt({ handler, read: () => gate.promise })
    const ended = run()
    made.stop('cancelled')
    gate.resolve({})
    expect(await ended).toMatchObject({ kind: 'stopped', why: 'cancelled' })
    expect(ran).toBe(false)
  })
})
