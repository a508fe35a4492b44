import { expect, test } from 'bun:test'
import { JobError } from '../../src/errors.ts'
import { restated, unsentError } from '../../src/lib/restated-error.ts'

const cause = new Error('why')
const error = new JobError('HTTP_REQUEST_FAILED', 'It failed', {
  retry: { afterMs: 5 },
  details: { a: 1 },
  output: 7,
  cause,
})

test('an error says what it said, but for what is to be said otherwise', () => {
  const other = restated(error, { code: 'GRAPHQL_REQUEST_FAILED', details: { b: 2 }, unsent: true })
  expect(other).toMatchObject({
    code: 'GRAPHQL_REQUEST_FAILED',
    message: 'It failed',
    retry: { afterMs: 5 },
    unsent: true,
  })
  expect(other).toMatchObject({ details: { a: 1, b: 2 }, output: 7, cause })
  expect(restated(error, {})).toMatchObject({ code: 'HTTP_REQUEST_FAILED', unsent: false, uncharged: false })
  const busy = new JobError('RESOURCE_UNAVAILABLE', 'Busy', { unsent: true, uncharged: true })
  expect(restated(busy, { details: { step: 'token' } })).toMatchObject({ unsent: true, uncharged: true })
})

test('whatever was thrown before anything left says so', () => {
  expect(unsentError(error)).toMatchObject({ code: 'HTTP_REQUEST_FAILED', unsent: true })
  expect(unsentError(cause)).toMatchObject({ code: 'INTERNAL_ERROR', unsent: true, cause })
  const unsent = new JobError('TIMEOUT', 'x', { unsent: true })
  expect(unsentError(unsent)).toBe(unsent)
})
