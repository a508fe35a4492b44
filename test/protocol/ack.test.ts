import { describe, expect, test } from 'bun:test'
import { type AckContent, encodeAck, overloadStatus } from '../../src/protocol/ack.ts'
import type { Caller } from '../../src/protocol/assignment.ts'
import type { EnvelopeMode } from '../../src/protocol/envelope.ts'

const trace = '0af7651916cd43dd8448eb211c80319c'
const caller: Caller = { assignmentId: 'a:1', tenantId: 'acme', requestId: 'r-1', traceId: trace, form: 'envelope' }

function ack(content: Omit<AckContent, 'acknowledgedAt'>, mode: EnvelopeMode = 'auto', from = caller): unknown {
  const { body } = encodeAck(from, { ...content, acknowledgedAt: 1_706_371_200_000 }, mode)
  return JSON.parse(new TextDecoder().decode(body))
}

test('an accepted assignment', () => {
  expect(ack({ status: 'accepted', overloadStatus: 'healthy' })).toEqual({
    version: '1',
    assignment_id: 'a:1',
    request_id: 'r-1',
    tenant_id: 'acme',
    trace_id: trace,
    status: 'accepted',
    message: 'Assignment accepted',
    acknowledged_at: 1_706_371_200_000,
    overload_status: 'healthy',
  })
})

test.each([{ message: 'no' }, { reason: 'no' }])('a refusal says why twice, given %j', (content) => {
  expect(ack({ status: 'rejected', ...content })).toMatchObject({ status: 'rejected', message: 'no', reason: 'no' })
})

test('what is absent is left out', () => {
  const from: Caller = { assignmentId: 'a', tenantId: 't', traceId: 'tr-123', form: 'bare' }
  const keys = ['version', 'assignment_id', 'tenant_id', 'status', 'message', 'acknowledged_at']
  expect(Object.keys(Object(ack({ status: 'accepted' }, 'auto', from)))).toEqual(keys)
})

test('only `always` wraps an ack', () => {
  expect(ack({ status: 'accepted' }, 'always')).toMatchObject({
    version: 'v1',
    kind: 'exec_ack',
    data: { assignment_id: 'a:1' },
  })
  expect(ack({ status: 'accepted' }, 'never')).toMatchObject({ assignment_id: 'a:1' })
})

describe('headers', () => {
  test('name the ack, the tenant and the trace', () => {
    expect(encodeAck(caller, { status: 'accepted', acknowledgedAt: 0 }, 'auto').headers).toEqual({
      version: '1',
      tenant_id: 'acme',
      trace_id: trace,
      'Nats-Msg-Id': 'acme:a%3A1:ack',
    })
  })

  test('have no message id when the caller may send again', () => {
    const { headers } = encodeAck(caller, { status: 'rejected', acknowledgedAt: 0, mayRepeat: true }, 'auto')
    expect(headers).not.toHaveProperty('Nats-Msg-Id')
  })
})

test.each([
  [0, 'healthy'],
  [0.49, 'healthy'],
  [0.5, 'degraded'],
  [0.79, 'degraded'],
  [0.8, 'overloaded'],
  [0.99, 'overloaded'],
  [1, 'critical'],
  [1.2, 'critical'],
] as const)('a queue full to %p is %s', (fill, status) => {
  expect(overloadStatus(fill)).toBe(status)
})
