import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { JobError } from '../../src/errors.ts'
import { noMask } from '../../src/lib/secret-mask.ts'
import type { Caller } from '../../src/protocol/assignment.ts'
import { decodeAssignment } from '../../src/protocol/codec.ts'
import {
  type DeadLetterReason,
  deadLetter,
  deadLetterLine,
  isCallersFault,
  notification,
} from '../../src/protocol/dead-letter.ts'
import { assignmentMessages, rubbish } from '../support/arbitraries.ts'
import { maskOf } from '../support/mask-of.ts'

const body = new TextEncoder().encode('{"assignment_id":"a-1","tenant_id":"acme"}')
const caller: Caller = { assignmentId: 'a-1', tenantId: 'acme', jobType: 'echo', traceId: 'tr-1', form: 'bare' }
const least = {
  id: '01ARZ3NDEKTSV4RRFFQ69G5FAV',
  timestamp: 1_706_371_200_000,
  reason: 'JOB_FAILED',
  workerId: 'worker-1',
  subject: 'caf.exec.assign.v1',
  body,
  headers: {},
  form: 'bare',
  mask: noMask,
} as const

test('a record holds the whole assignment', () => {
  const error = new JobError('SCRIPT_ERROR', 'line 5')
  const record = deadLetter({
    ...least,
    caller,
    attempts: 2,
    error,
    headers: { x: 'y' },
    assignment: { a: 1 },
    result: { b: 2 },
  })
  expect(JSON.parse(deadLetterLine(record))).toEqual({
    id: least.id,
    ts: '2024-01-27T16:00:00.000Z',
    reason: 'JOB_FAILED',
    worker_id: 'worker-1',
    assignment_id: 'a-1',
    tenant_id: 'acme',
    job_type: 'echo',
    trace_id: 'tr-1',
    attempts: 2,
    error_code: 'SCRIPT_ERROR',
    error_message: 'The script failed',
    payload_ref: { subject: 'caf.exec.assign.v1', len: body.length },
    form: 'bare',
    headers: { x: 'y' },
    assignment: { a: 1 },
    result: { b: 2 },
  })
})

test('without an assignment it holds the bytes', () => {
  const record = JSON.parse(
    deadLetterLine(deadLetter({ ...least, reason: 'PARSE_ERROR', body: new Uint8Array([0xff, 0]) })),
  )
  expect(record).toMatchObject({ raw: '/wA=', payload_ref: { len: 2 } })
  expect(Object.keys(record)).toEqual(['id', 'ts', 'reason', 'worker_id', 'payload_ref', 'form', 'raw'])
})

test('whatever arrives, its record is one line of JSON from which it can be sent again', () => {
  fc.assert(
    fc.property(fc.oneof(assignmentMessages(), rubbish()), (message) => {
      const decoded = decodeAssignment(message.body, message.headers)
      const assignment = 'raw' in decoded ? decoded.raw : undefined
      const line = deadLetterLine(deadLetter({ ...least, ...message, ...(assignment && { assignment }) }))
      expect(line.indexOf('\n')).toBe(line.length - 1)
      const { raw, assignment: kept } = JSON.parse(line)
      if (kept === undefined) expect(new Uint8Array(Buffer.from(raw, 'base64'))).toEqual(new Uint8Array(message.body))
      else expect(raw).toBeUndefined()
    }),
  )
})

test('an assignment nested too deeply to be written is kept as its bytes', () => {
  const nested: unknown = JSON.parse(`${'['.repeat(200_000)}${']'.repeat(200_000)}`)
  const record = deadLetter({ ...least, assignment: { nested }, result: { nested } })
  expect(JSON.parse(deadLetterLine(record))).toHaveProperty('raw', Buffer.from(body).toString('base64'))
})

describe('a secret', () => {
  const mask = maskOf('hunter2-hunter2', 'assignment_id', 'JOB_FAILED')
  const secret = 'hunter2-hunter2'

  test('stands nowhere in the record, which says so when it cannot be sent again as it was', () => {
    const error = new JobError('SCRIPT_ERROR', `It broke ${secret}`)
    const about = { headers: { x: secret }, assignment: { a: [secret], n: 1 }, error }
    const record = deadLetter({ ...least, caller, mask, ...about })
    expect(record).toMatchObject({ headers: { x: '***' }, assignment: { a: ['***'], n: 1 } })
    expect(record).toMatchObject({ error_message: 'It broke ***', masked: true })
  })

  test('stands not in the bytes either', () => {
    const record = deadLetter({ ...least, mask, body: Buffer.from(`{"a": ${secret} \xff`, 'latin1') })
    expect(Buffer.from(record.raw ?? '', 'base64').toString('latin1')).toBe('{"a": *** \xff')
    expect(record.masked).toBe(true)
  })

  test('that is a name or a word of the record leaves it as it is', () => {
    const assignment = { assignment_id: 'a-1' }
    const record = deadLetter({ ...least, caller, mask, assignment, headers: { assignment_id: 'a-1' } })
    expect(record).toMatchObject({ reason: 'JOB_FAILED', assignment, headers: { assignment_id: 'a-1' } })
    expect(record.masked).toBeUndefined()
  })

  test('that is nowhere leaves the record as it is', () => {
    const assignment = { a: 1 }
    const record = deadLetter({ ...least, mask, assignment, result: { b: 2 } })
    expect(record.assignment).toBe(assignment)
    expect(record.masked).toBeUndefined()
    expect(deadLetter({ ...least, mask: maskOf(secret) }).masked).toBeUndefined()
  })
})

describe('a notification', () => {
  const record = deadLetter({ ...least, caller, headers: { secret: 'x' }, assignment: { a: 1 }, result: { b: 2 } })
  const decode = (bytes: Uint8Array): Record<string, unknown> => JSON.parse(new TextDecoder().decode(bytes))

  test('is the record without its contents', () => {
    const { headers: _headers, assignment: _assignment, result: _result, ...rest } = JSON.parse(deadLetterLine(record))
    expect(decode(notification(record, 'auto'))).toEqual(rest)
    const unreadable = deadLetter({ ...least, reason: 'DECODE_ERROR' })
    expect(decode(notification(unreadable, 'auto'))).not.toHaveProperty('raw')
  })

  test('is wrapped only by `always`', () => {
    expect(decode(notification(record, 'always'))).toMatchObject({ kind: 'dead_letter', data: { id: least.id } })
  })
})

describe('at fault is the caller', () => {
  test.each([
    ['PARSE_ERROR', undefined, true],
    ['DECODE_ERROR', undefined, true],
    ['REJECTED', undefined, true],
    ['JOB_FAILED', 'INVALID_PATH', true],
    ['JOB_FAILED', 'MISSING_REQUIRED_FIELD', true],
    ['JOB_FAILED', 'GRAPHQL_RESPONSE_PARSE_ERROR', true],
    ['JOB_FAILED', 'SCRIPT_ERROR', false],
    ['JOB_FAILED', 'TIMEOUT', false],
    ['JOB_FAILED', undefined, false],
    ['EXPIRED', undefined, false],
    ['MAX_DELIVERIES', 'INTERNAL_ERROR', false],
    ['PUBLISH_ERROR', 'INVALID_INPUT', false],
    ['INTERRUPTED', undefined, false],
  ] as const)('for %s with %p: %p', (reason: DeadLetterReason, code, fault) => {
    const error = code && new JobError(code, '')
    expect(isCallersFault(deadLetter({ ...least, reason, error }))).toBe(fault)
  })
})

test('a job that was a replay names the dead letter that it was sent for, when the header holds an id', () => {
  const of = (value: string) => deadLetter({ ...least, caller, headers: { 'Beamline-Replay-Of': value } }).replay_of
  expect(of(least.id)).toBe(least.id)
  for (const value of ['', 'x', least.id.toLowerCase(), `${least.id}A`, least.id.slice(1), `Z${least.id.slice(1)}`]) {
    expect(of(value)).toBeUndefined()
  }
  const record = deadLetter({ ...least, caller, headers: { 'Beamline-Replay-Of': least.id } })
  expect(JSON.parse(new TextDecoder().decode(notification(record, 'auto')))).toMatchObject({ replay_of: least.id })
})
