import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import type { Assignment } from '../../src/protocol/assignment.ts'
import { type Decoded, decodeAssignment } from '../../src/protocol/codec.ts'
import { assignmentMessages, rubbish } from '../support/arbitraries.ts'
import { goldenVectors, type Vector, vectorBody } from '../support/vectors.ts'

const trace = '0af7651916cd43dd8448eb211c80319c'
const traceparent = `00-${trace}-b7ad6b7169203331-01`

function decode(message: unknown, headers: Record<string, string> = {}): Decoded {
  return decodeAssignment(new TextEncoder().encode(JSON.stringify(message)), headers)
}

const least = { assignment_id: 'a-1', tenant_id: 'acme', job: { type: 'echo' } }

function assignment(message: Record<string, unknown>, headers?: Record<string, string>): Assignment {
  const decoded = decode({ ...least, ...message }, headers)
  if (decoded.kind !== 'assignment') throw new Error(`decoded as ${decoded.kind}`)
  return decoded.assignment
}

describe('every golden message', () => {
  const decidedLater = ['accepted', 'REJECTED']
  test.each(goldenVectors().map((vector) => [vector.name, vector] as const))('%s', (_name, vector) => {
    const decoded = decodeAssignment(vectorBody(vector), {})
    expect(summary(decoded)).toEqual(expected(vector))
  })

  function expected({ expect: wanted, send }: Vector): unknown {
    if (wanted.ack === null && wanted.dead_letter === undefined)
      return { kind: 'ignored', form: undefined, told: false }
    const told = wanted.ack !== null
    const unknownVersion = wanted.dead_letter === 'REJECTED' && wanted.result?.['error_code'] === 'INVALID_FORMAT'
    if (unknownVersion) return { kind: 'refused', form: wanted.form, told }
    if (wanted.ack === 'accepted' || decidedLater.includes(String(wanted.dead_letter))) {
      return { kind: 'assignment', form: wanted.form, told }
    }
    const form = wanted.form ?? (send?.['kind'] === undefined ? 'bare' : 'envelope')
    return { kind: wanted.dead_letter, form, told }
  }

  function summary(decoded: Decoded): unknown {
    switch (decoded.kind) {
      case 'assignment':
        return { kind: decoded.kind, form: decoded.assignment.form, told: true }
      case 'refused':
        return { kind: decoded.kind, form: decoded.caller.form, told: true }
      case 'malformed':
        return { kind: decoded.reason, form: decoded.form, told: decoded.caller !== undefined }
      case 'ignored':
        return { kind: decoded.kind, form: undefined, told: false }
    }
  }
})

describe('ids', () => {
  test.each([
    ['of 129 bytes', { assignment_id: 'é'.repeat(65) }],
    ['with a control character', { assignment_id: 'a\u0085' }],
    ['with half a surrogate pair', { assignment_id: 'a\ud800' }],
    ['that is empty', { assignment_id: '' }],
    ['that is a number', { assignment_id: 7 }],
    ['of a tenant of 257 bytes', { tenant_id: 'x'.repeat(257) }],
    ['of a tenant called undefined', { tenant_id: 'undefined' }],
  ])('one %s cannot be answered', (_what, ids) => {
    const decoded = decode({ ...least, ...ids })
    expect(decoded).toMatchObject({ kind: 'malformed', reason: 'DECODE_ERROR', error: { code: 'DECODE_ERROR' } })
    expect(decoded).toHaveProperty('caller', undefined)
  })

  test('of full length are taken', () => {
    const ids = { assignment_id: 'é'.repeat(64), tenant_id: 'x'.repeat(256) }
    expect(assignment(ids)).toMatchObject({ assignmentId: ids.assignment_id, tenantId: ids.tenant_id })
  })
})

describe('version', () => {
  test.each(['1', '1.0', 'v1', null, undefined])('%p is understood', (version) => {
    expect(decode({ ...least, version }).kind).toBe('assignment')
  })

  test.each(['2', '', 1, {}, false])('%p is refused', (version) => {
    expect(decode({ ...least, version })).toMatchObject({ kind: 'refused', error: { code: 'INVALID_FORMAT' } })
  })

  test('of the envelope counts too', () => {
    const envelope = { version: 'v2', kind: 'exec_assign', data: least }
    expect(decode(envelope)).toMatchObject({ kind: 'refused', caller: { form: 'envelope', assignmentId: 'a-1' } })
  })

  test('that is refused without readable ids is only kept', () => {
    const decoded = decode({ version: '9', job: {} })
    expect(decoded).toMatchObject({ kind: 'malformed', reason: 'REJECTED', raw: { version: '9' } })
    expect(decoded).toHaveProperty('caller', undefined)
  })
})

describe('envelope', () => {
  test('of an unknown kind is not looked into', () => {
    const decoded = decode({ version: 'v1', kind: 'surprise', data: least })
    expect(decoded).toMatchObject({ kind: 'malformed', reason: 'DECODE_ERROR', form: 'envelope' })
    expect(Object.keys(decoded)).not.toContain('caller')
    expect(Object.keys(decoded)).not.toContain('raw')
  })

  test.each(['exec_result', 'exec_ack', 'heartbeat', 'dead_letter'])('of kind %s is ignored', (kind) => {
    expect(decode({ version: 'v1', kind, data: {} })).toEqual({ kind: 'ignored', what: kind })
  })

  test('a bare assignment may have keys of the same names', () => {
    expect(assignment({ kind: 'exec_result', data: {} }).form).toBe('bare')
  })
})

describe('job', () => {
  test.each([
    [undefined, 'MISSING_REQUIRED_FIELD'],
    [{}, 'MISSING_REQUIRED_FIELD'],
    [{ type: null }, 'MISSING_REQUIRED_FIELD'],
    [{ type: '' }, 'INVALID_INPUT'],
    [{ type: 5 }, 'INVALID_INPUT'],
    [{ type: 'x'.repeat(257) }, 'INVALID_INPUT'],
    [['echo'], 'INVALID_INPUT'],
  ])('%p is told to the caller as %s', (job, code) => {
    const decoded = decode({ ...least, job })
    expect(decoded).toMatchObject({
      kind: 'malformed',
      reason: 'DECODE_ERROR',
      error: { code },
      caller: { assignmentId: 'a-1' },
    })
  })

  test.each([
    [
      { payload: false, inputs: 1 },
      { kind: 'value', value: false },
    ],
    [
      { payload: null, inputs: { a: 1 } },
      { kind: 'value', value: { a: 1 } },
    ],
    [
      { payload: null, payload_ref: 'fs:x', url: 'u' },
      { kind: 'ref', ref: 'fs:x' },
    ],
    [{ payload_ref: 7 }, { kind: 'ref', ref: 7 }],
    [
      { url: 'u', timeout_ms: 5, retry: {}, payload: null, n: null },
      { kind: 'value', value: { url: 'u', n: null } },
    ],
    [{}, { kind: 'value', value: {} }],
  ])('%j has its input', (job, input) => {
    expect(assignment({ job: { type: 'echo', ...job } }).input).toEqual(input as never)
  })

  test('keeps a key __proto__ as a key', () => {
    const body = '{"assignment_id":"a","tenant_id":"t","job":{"type":"echo","__proto__":{"polluted":1}}}'
    const decoded = decodeAssignment(new TextEncoder().encode(body), {})
    const { input } = decoded.kind === 'assignment' ? decoded.assignment : { input: undefined }
    expect(JSON.stringify(input)).toBe('{"kind":"value","value":{"__proto__":{"polluted":1}}}')
    expect(Object.getPrototypeOf(input?.kind === 'value' ? input.value : undefined)).toBe(Object.prototype)
  })
})

describe('optional fields', () => {
  test('out of range are clamped', () => {
    const options = { priority: 1000, retry: { max_attempts: 0, backoff_ms: 1e9 } }
    expect(assignment({ options })).toMatchObject({ priority: 100, retry: { maxAttempts: 1, backoffMs: 30_000 } })
    expect(assignment({ options: { priority: -1 } }).priority).toBe(0)
  })

  test('of a wrong type are ignored and noted', () => {
    const { ignored, ...read } = assignment({
      request_id: 5,
      executor: 'x',
      options: { priority: '70', deadline_ms: -1, retry: { max_attempts: 2.5 } },
      correlation: { trace_id: {} },
      metadata: { user_id: 9 },
    })
    expect(read).toMatchObject({ priority: 50 })
    for (const key of ['requestId', 'providerId', 'deadlineMs', 'retry', 'traceId', 'userId']) {
      expect(read).toHaveProperty(key, undefined)
    }
    expect([...ignored].sort()).toEqual([
      'correlation.trace_id',
      'executor',
      'metadata.user_id',
      'options.deadline_ms',
      'options.priority',
      'options.retry.max_attempts',
      'request_id',
    ])
  })

  test('null and the word undefined mean absent, and are not noted', () => {
    const read = assignment({
      request_id: 'undefined',
      trace_id: 'undefined',
      options: null,
      correlation: { trace_id: null },
    })
    expect(read).toMatchObject({ priority: 50, ignored: [] })
    expect(read).toHaveProperty('requestId', undefined)
    expect(read).toHaveProperty('traceId', undefined)
  })

  test('too long to be repeated in every answer are ignored', () => {
    const long = 'x'.repeat(4097)
    const read = assignment({ request_id: long, trace_id: long.slice(1), executor: { provider_id: long } })
    expect(read).toMatchObject({ traceId: long.slice(1), ignored: ['request_id', 'executor.provider_id'] })
    expect([read.requestId, read.providerId]).toEqual([undefined, undefined])
  })

  test('a deadline of zero is a deadline', () => {
    expect(assignment({ options: { deadline_ms: 0 } }).deadlineMs).toBe(0)
  })
})

describe('trace id', () => {
  test.each([
    [{ correlation: { trace_id: 'c' }, trace_id: 't' }, { trace_id: 'h' }, 'c'],
    [{ correlation: { trace_id: 'undefined' }, trace_id: 't' }, { trace_id: 'h' }, 't'],
    [{}, { Trace_Id: 'h', traceparent }, 'h'],
    [{}, { traceparent }, trace],
    [{}, { traceparent: 'nonsense' }, undefined],
  ])('%j with headers %j', (message, headers, found) => {
    expect(assignment(message, headers)).toHaveProperty('traceId', found)
  })

  test('only a valid traceparent is handed on', () => {
    expect(assignment({}, { Traceparent: traceparent }).traceparent).toBe(traceparent)
    for (const invalid of [
      traceparent.toUpperCase(),
      `ff${traceparent.slice(2)}`,
      `00-${'0'.repeat(32)}-b7ad6b7169203331-01`,
    ]) {
      expect(assignment({}, { traceparent: invalid })).toHaveProperty('traceparent', undefined)
    }
  })
})

test('bytes that are not UTF-8 are no JSON', () => {
  const decoded = decodeAssignment(new Uint8Array([0x22, 0xff, 0x22]), {})
  expect(decoded).toMatchObject({ kind: 'malformed', reason: 'PARSE_ERROR', error: { code: 'PARSE_ERROR' } })
})

test('whatever arrives, decoding does not throw', () => {
  fc.assert(
    fc.property(fc.oneof(assignmentMessages(), rubbish()), ({ body, headers }) => {
      expect(['assignment', 'refused', 'malformed', 'ignored']).toContain(decodeAssignment(body, headers).kind)
    }),
    { numRuns: 1000 },
  )
}, 30_000)

test('the drawn assignments are of every kind', () => {
  const seen = new Set(
    fc.sample(assignmentMessages(), 500).map(({ body, headers }) => decodeAssignment(body, headers).kind),
  )
  expect([...seen].sort()).toEqual(['assignment', 'ignored', 'malformed', 'refused'])
})
