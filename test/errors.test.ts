import { describe, expect, test } from 'bun:test'
import { ConfigError, errorKind, JobError } from '../src/errors.ts'

describe('a job error', () => {
  test('says what its code says about another try, unless it knows better', () => {
    expect(new JobError('TIMEOUT', 'late').retry).toBe('backoff')
    expect(new JobError('INVALID_INPUT', 'wrong').retry).toBe('never')
    expect(new JobError('HTTP_ERROR', 'no', { retry: { afterMs: 5 } }).retry).toEqual({ afterMs: 5 })
    expect(new JobError('TIMEOUT', 'late', { retry: 'never' }).retry).toBe('never')
  })

  test('is what it was, or INTERNAL_ERROR with the cause kept apart', () => {
    const own = new JobError('FILE_EXISTS', 'there')
    expect(JobError.from(own)).toBe(own)
    for (const thrown of [new Error('secret'), 'secret', 7, null, undefined]) {
      const error = JobError.from(thrown)
      expect(error).toMatchObject({ code: 'INTERNAL_ERROR', retry: 'never', unsent: false })
      expect(error.message).not.toContain('secret')
      expect(error.cause).toBe(thrown as Error)
    }
  })

  test('has a class and a number', () => {
    expect(errorKind('FILE_NOT_FOUND')).toMatchObject({ class: 'RESOURCE_UNAVAILABLE', number: 2002, retried: false })
  })
})

test('a configuration error names every problem', () => {
  expect(new ConfigError(['A: wrong', 'B: missing']).message).toBe('A: wrong\nB: missing')
})
