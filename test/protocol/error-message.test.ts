import { describe, expect, test } from 'bun:test'
import { type ErrorCode, errorKinds, JobError } from '../../src/errors.ts'
import { errorMessage, errorType, fixedText } from '../../src/protocol/error-message.ts'

// The keys of the table are the codes; Object.keys only forgets it.
const codes = Object.keys(errorKinds) as ErrorCode[]
const outage = /timeout|connection|unavailable|5/i

test.each(codes)('the fixed text of %s can be read only one way', (code) => {
  expect(fixedText(code)).not.toMatch(outage)
  expect(fixedText(code)).toMatch(/^[A-Z].+[^.]$/)
})

describe('a message that sounds like an outage', () => {
  test.each(codes)('of %s', (code) => {
    const provider = /HTTP_REQUEST|GRAPHQL_REQUEST|CONNECTION|^TIMEOUT|DEADLINE|RESOURCE_UN|OVERLOAD/.test(code)
    for (const message of ['Timeout', 'no connection', 'UNAVAILABLE', 'line 5']) {
      expect(errorMessage(new JobError(code, message))).toBe(provider ? message : fixedText(code))
    }
  })

  test('is kept for an HTTP status of the server only', () => {
    const answer = (status: number): string =>
      errorMessage(new JobError('HTTP_ERROR', `status ${status}`, { details: { status } }))
    expect(answer(503)).toBe('status 503')
    expect(answer(415)).toBe(fixedText('HTTP_ERROR'))
    expect(answer(404)).toBe('status 404')
    expect(answer(600)).toBe('status 600')
  })
})

test('an unknown type is named unless its name would be misread', () => {
  const message = (type: string): string => errorMessage(new JobError('UNKNOWN_JOB_TYPE', `Unknown job type: ${type}`))
  expect(message('quantum_compute')).toBe('Unknown job type: quantum_compute')
  expect(message('http5')).toBe('Unknown job type')
  expect(message('db.Connection')).toBe('Unknown job type')
})

test('an empty or endless message is replaced', () => {
  for (const message of ['', 'x'.repeat(513)]) {
    expect(errorMessage(new JobError('TIMEOUT', message))).toBe(fixedText('TIMEOUT'))
  }
})

test('the type of a fault is that of the provider', () => {
  const types = codes.flatMap((code) => errorType(code, undefined) ?? [])
  expect([...new Set(types)].sort()).toEqual(['connection_error', 'timeout'])
  expect(errorType('HTTP_ERROR', { status: 500 })).toBe('server_error')
  expect(errorType('HTTP_ERROR', { status: 429 })).toBeUndefined()
  expect(errorType('RESOURCE_UNAVAILABLE', { breaker: 'open' })).toBe('provider_unavailable')
  expect(errorType('RESOURCE_UNAVAILABLE', { breaker: 'closed' })).toBeUndefined()
})
