import { describe, expect, test } from 'bun:test'
import { JobError } from '../../../src/errors.ts'
import { ConnectionLost, ServerError } from '../../../src/services/sql/server-error.ts'
import { isRefusal, sqlFailure } from '../../../src/services/sql/sql-failure.ts'

const soon = { timeLeftMs: 1000, unsent: true }

describe('an error of the server', () => {
  test.each([
    ['40001', 'DB_QUERY_ERROR', 'backoff'],
    ['40P01', 'DB_QUERY_ERROR', 'backoff'],
    ['40000', 'DB_QUERY_ERROR', 'never'],
    ['23505', 'DB_QUERY_ERROR', 'never'],
    ['53200', 'DB_QUERY_ERROR', 'never'],
    ['57014', 'DB_QUERY_ERROR', 'never'],
    ['55P03', 'DB_QUERY_ERROR', 'never'],
    ['25006', 'PERMISSION_DENIED', 'never'],
    ['57P01', 'DB_CONNECTION_ERROR', 'backoff'],
    ['57P02', 'DB_CONNECTION_ERROR', 'backoff'],
    ['25P03', 'DB_CONNECTION_ERROR', 'backoff'],
    ['08006', 'DB_CONNECTION_ERROR', 'backoff'],
  ] as const)('%s is %s, tried again: %s', (sqlState, code, retry) => {
    const error = sqlFailure(new ServerError(sqlState, 'what it says'), soon)
    expect(error).toMatchObject({ code, retry, unsent: true, details: { sql_state: sqlState } })
  })

  test('that cut a statement short when no time was left is TIMEOUT', () => {
    for (const sqlState of ['57014', '55P03']) {
      const error = sqlFailure(new ServerError(sqlState, ''), { timeLeftMs: 0, statement: 2, unsent: true })
      expect(error).toMatchObject({ code: 'TIMEOUT', details: { sql_state: sqlState, statement: 2 } })
    }
  })

  test('tells what the server said, but no values of rows', () => {
    const said = { constraint: 'c', table: 't', column: 'n', schema: 's', dataType: 'd', position: 3 }
    const secret = { detail: 'Key (id)=(7) already exists.', hint: 'Try 7.' }
    const error = sqlFailure(new ServerError('23505', 'x'.repeat(900), { ...said, ...secret }), {
      ...soon,
      statement: 1,
    })
    expect(error.details).toEqual({
      sql_state: '23505',
      constraint: 'c',
      table: 't',
      column: 'n',
      schema: 's',
      data_type: 'd',
      position: 3,
      statement: 1,
      server_message: 'x'.repeat(500),
    })
    expect(sqlFailure(new ServerError('22000', `${'x'.repeat(499)}😀`), soon).details?.['server_message']).toBe(
      `${'x'.repeat(499)}\uFFFD`,
    )
  })
})

test('a lost connection is DB_CONNECTION_ERROR; what is a JobError already stays one', () => {
  const error = sqlFailure(new ConnectionLost('lost', '57P01'), { timeLeftMs: 0, unsent: false })
  expect(error).toMatchObject({ code: 'DB_CONNECTION_ERROR', unsent: false })
  expect(error.details).toEqual({ reason: 'lost', sql_state: '57P01' })
  const own = new JobError('PRECONDITION_FAILED', 'No')
  expect(sqlFailure(own, soon)).toBe(own)
  expect(sqlFailure(new TypeError('no'), soon).code).toBe('INTERNAL_ERROR')
})

test('a refusal says that nothing was kept, a cut does not', () => {
  expect(isRefusal(new ServerError('23503', ''))).toBe(true)
  expect(isRefusal(new ServerError('40001', ''))).toBe(true)
  expect(isRefusal(new ServerError('57014', ''))).toBe(false)
  expect(isRefusal(new ServerError('57P01', ''))).toBe(false)
  expect(isRefusal(new ConnectionLost('lost'))).toBe(false)
})
