import { describe, expect, test } from 'bun:test'
import { z } from 'zod'
import { JobError } from '../../src/errors.ts'
import { defineHandler, type Handler, type RetryPolicy } from '../../src/handler.ts'
import { prepare } from '../../src/worker/prepare.ts'
import { probe } from '../support/probe.ts'
import type { Wire } from '../support/worker-rig.ts'
import { decoded } from './make-job.ts'

const strict = defineHandler({
  type: 'strict',
  summary: 'Wants fields.',
  pool: 'io',
  effect: ({ twice }) => (twice ? 'idempotent' : 'once'),
  sandbox: 'run',
  input: z.object({ url: z.string(), twice: z.boolean().default(false), deep: z.object({ n: z.int() }).optional() }),
  output: z.unknown(),
  example: { url: 'x' },
  sample: {},
  run: (input) => Promise.resolve(input),
})

function prepared(fields: Wire, handler: Handler = strict) {
  const assignment = decoded({ job: { type: 'strict', payload: { url: 'x' } }, ...fields })
  if (assignment.input.kind === 'ref') throw new Error('it is somewhere else')
  return prepare({ handler, assignment }, assignment.input.value)
}

function refusal(payload: unknown, job: Wire = {}): JobError {
  try {
    prepared({ job: { type: 'strict', payload, ...job } })
  } catch (error) {
    if (error instanceof JobError) return error
  }
  throw new Error('it was taken')
}

describe('input', () => {
  test('is checked, completed with defaults, and says its effect', () => {
    expect(prepared({})).toMatchObject({ input: { url: 'x', twice: false }, effect: 'once', timeoutMs: undefined })
    expect(prepared({ job: { type: 'strict', payload: { url: 'x', twice: true } } }).effect).toBe('idempotent')
  })

  test('may stand flat in the job or under inputs', () => {
    expect(prepared({ job: { type: 'strict', url: 'flat' } }).input).toMatchObject({ url: 'flat' })
    expect(prepared({ job: { type: 'strict', inputs: { url: 'in' } } }).input).toMatchObject({ url: 'in' })
  })

  test.each([
    [{}, 'MISSING_REQUIRED_FIELD', 'url'],
    [{ url: undefined }, 'MISSING_REQUIRED_FIELD', 'url'],
    [{ url: 7 }, 'INVALID_INPUT', 'url'],
    [{ url: null }, 'MISSING_REQUIRED_FIELD', 'url'],
    [{ url: 'x', deep: { n: null } }, 'MISSING_REQUIRED_FIELD', 'deep.n'],
    [{ url: 'x', deep: {} }, 'MISSING_REQUIRED_FIELD', 'deep.n'],
    [{ url: 'x', deep: { n: 'seven' } }, 'INVALID_INPUT', 'deep.n'],
    ['text', 'INVALID_INPUT', ''],
    [[1, 2], 'INVALID_INPUT', ''],
    [7, 'INVALID_INPUT', ''],
  ])('%p is %s, naming the field %p', (payload, code, field) => {
    const error = refusal(payload)
    expect(error.code).toBe(code as never)
    expect(error.retry).toBe('never')
    expect(error.details?.['fields']).toMatchObject([{ field }])
  })

  test('an error names no more fields than help, and never their values', () => {
    const fields = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`field_${index}`, z.int()]))
    const wide: Handler = { ...probe(() => undefined), input: z.object(fields) }
    const payload = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`field_${index}`, 'secret-value']))
    try {
      prepared({ job: { type: 'strict', payload } }, wide)
      throw new Error('it was taken')
    } catch (error) {
      if (!(error instanceof JobError)) throw error
      expect(error.details?.['fields']).toHaveLength(20)
      expect(JSON.stringify(error.details) + error.message).not.toContain('secret-value')
    }
  })

  test('a null that a handler has seen and refused is not missing', () => {
    const checked = z.object({ either: z.null(), or: z.null() }).refine(() => false, { path: ['or'], error: 'Why' })
    const handler: Handler = { ...probe(() => undefined), input: checked }
    const refused = () => prepared({ job: { type: 'strict', payload: { either: null, or: null } } }, handler)
    expect(refused).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }))
  })

  test('an error says what is missing, and keeps long names short', () => {
    expect(refusal({}).details).toEqual({ fields: [{ field: 'url', problem: 'Missing' }] })
    const record: Handler = { ...probe(() => undefined), input: z.record(z.string(), z.strictObject({})) }
    const payload = { ['n'.repeat(100_000)]: { ['k'.repeat(100_000)]: 1 } }
    try {
      prepared({ job: { type: 'strict', payload } }, record)
      throw new Error('it was taken')
    } catch (error) {
      if (!(error instanceof JobError)) throw error
      expect(JSON.stringify(error.details).length).toBeLessThan(500)
      expect(error.details?.['fields']).toEqual([
        { field: expect.stringMatching(/^n{200}…$/), problem: expect.stringMatching(/^Unrecognized key: "k+…$/) },
      ])
    }
  })
})

describe('the limit of an attempt', () => {
  test.each([
    [{ payload: { url: 'x', timeout_ms: 70 }, timeout_ms: 900 }, 70],
    [{ payload: { url: 'x' }, timeout_ms: 900 }, 900],
    [{ payload: { url: 'x', timeout_ms: null }, timeout_ms: 900 }, 900],
    [{ payload: { url: 'x', timeout_ms: null }, timeout_ms: null }, undefined],
  ])('of %p is %p', (job, timeoutMs) => {
    expect(prepared({ job: { type: 'strict', ...job } }).timeoutMs).toBe(timeoutMs)
  })

  test.each([0, -1, 1.5, '100', true, {}, 1e300])('%p is INVALID_INPUT, in the payload and in the job', (timeout) => {
    expect(refusal({ url: 'x', timeout_ms: timeout }).code).toBe('INVALID_INPUT')
    expect(refusal({ url: 'x' }, { timeout_ms: timeout }).code).toBe('INVALID_INPUT')
  })
})

describe('tries', () => {
  test('are one when nobody asks for more', () => {
    expect(prepared({}).policy).toEqual({ maxAttempts: 1, backoffMs: 200, maxBackoffMs: 30_000 })
  })

  test('are as the caller asks, with the usual values for what it leaves out', () => {
    const asked = (retry: Wire): RetryPolicy => prepared({ options: { retry } }).policy
    expect(asked({ max_attempts: 4 })).toEqual({ maxAttempts: 4, backoffMs: 200, maxBackoffMs: 30_000 })
    expect(asked({ backoff_ms: 50 })).toEqual({ maxAttempts: 1, backoffMs: 50, maxBackoffMs: 30_000 })
    expect(asked({ max_attempts: 'many' }).maxAttempts).toBe(1)
  })

  test("are the handler's own word, which knows what the caller asked for", () => {
    const own = { maxAttempts: 9, backoffMs: 1, maxBackoffMs: 2 }
    const heard: (RetryPolicy | undefined)[] = []
    const handler: Handler = {
      ...strict,
      effect: () => 'none',
      retry(_input, asked) {
        heard.push(asked)
        return own
      },
    }
    expect(prepared({ options: { retry: { max_attempts: 4 } } }, handler).policy).toBe(own)
    expect(prepared({}, handler).policy).toBe(own)
    expect(heard.map((asked) => asked?.maxAttempts)).toEqual([4, undefined])
  })
})
