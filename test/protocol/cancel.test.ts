import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { decodeCancel, encodeCancel, encodeCancelReply } from '../../src/protocol/cancel.ts'
import { assignmentMessages, rubbish } from '../support/arbitraries.ts'

const request = { assignmentId: 'a-1', tenantId: 'acme', reason: 'no longer needed' }

function decode(message: unknown): unknown {
  return decodeCancel(new TextEncoder().encode(JSON.stringify(message)))
}

test('a request is read as it was written', () => {
  expect(decodeCancel(encodeCancel(request))).toEqual(request)
  expect(decodeCancel(encodeCancel({ assignmentId: 'a', tenantId: 't' }))).toMatchObject({
    assignmentId: 'a',
    tenantId: 't',
  })
})

test('a reason of a wrong type is no reason', () => {
  expect(decode({ assignment_id: 'a', tenant_id: 't', reason: 5 })).toEqual({
    assignmentId: 'a',
    tenantId: 't',
    reason: undefined,
  })
})

test.each([
  [{ version: '2', assignment_id: 'a', tenant_id: 't' }],
  [{ version: '1', assignment_id: '', tenant_id: 't' }],
  [{ version: '1', assignment_id: 'a' }],
  [{ version: '1', assignment_id: 'a', tenant_id: 'undefined' }],
  [[]],
  [null],
])('%j is no request', (message) => {
  expect(decode(message)).toBeUndefined()
})

test('whatever arrives, reading does not throw', () => {
  fc.assert(
    fc.property(fc.oneof(assignmentMessages(), rubbish()), ({ body }) => {
      const read = decodeCancel(body)
      expect(read === undefined || read.assignmentId.length > 0).toBe(true)
    }),
  )
})

test('the reply is its status', () => {
  expect(new TextDecoder().decode(encodeCancelReply('cancelled'))).toBe('{"status":"cancelled"}')
})
