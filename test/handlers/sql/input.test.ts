import { describe, expect, test } from 'bun:test'
import { sqlInput, statementsOf, wantsReadOnly } from '../../../src/handlers/sql/input.ts'
import { startRig } from '../../support/worker-rig.ts'

const one = { query: 'select 1' }
const many = (count: number) => Array.from({ length: count }, () => one)

/** The fields that a payload is refused for. */
function wrong(payload: unknown): readonly string[] {
  const parsed = sqlInput.safeParse(payload)
  return parsed.success ? [] : parsed.error.issues.map(({ path }) => path.join('.'))
}

describe('what is taken', () => {
  test.each<object>([
    one,
    { ...one, args: [1, 'a', null, { b: [] }] },
    { ...one, params: [] },
    { ...one, parameters: [1] },
    { ...one, args: [1], params: null, parameters: null, transaction: null, isolation: null, timeout_ms: null },
    { ...one, connection: 'reporting' },
    { ...one, connection_string: 'postgres://a@b/c' },
    { ...one, read_only: true, isolation: 'serializable', columns: true, format: 'columns' },
    { ...one, max_rows: 1, on_limit: 'truncate', idempotent: true, timeout_ms: 100 },
    { ...one, something: 'else' },
    {
      transaction: {
        statements: [{ ...one, args: [1], expect_rows: 0 }],
        isolation: 'read_committed',
        read_only: false,
      },
    },
    { transaction: { statements: [{ ...one, args: null }] }, read_only: true },
    { transaction: { statements: many(100) } },
    { query: 'x'.repeat(1_000_000), args: Array.from({ length: 10_000 }, () => 1) },
  ])('%#', (payload) => {
    expect(wrong(payload)).toEqual([])
  })
})

describe('what is not', () => {
  test.each<[payload: unknown, fields: readonly string[]]>([
    [{}, ['query']],
    [{ query: null }, ['query']],
    [{ query: '' }, ['query']],
    [{ query: 5 }, ['query']],
    [{ query: 'select \0' }, ['query']],
    [{ query: 'x'.repeat(1_000_001) }, ['query']],
    [{ ...one, args: 'a' }, ['args']],
    [{ ...one, args: { a: 1 } }, ['args']],
    [{ ...one, args: Array.from({ length: 10_001 }, () => 1) }, ['args']],
    [{ ...one, args: [], params: [] }, ['params']],
    [{ ...one, args: [], params: [], parameters: [] }, ['params', 'parameters']],
    [{ ...one, isolation: 'chaos' }, ['isolation']],
    [{ ...one, format: 'csv' }, ['format']],
    [{ ...one, columns: 'yes' }, ['columns']],
    [{ ...one, max_rows: 0 }, ['max_rows']],
    [{ ...one, max_rows: 1.5 }, ['max_rows']],
    [{ ...one, on_limit: 'ignore' }, ['on_limit']],
    [{ ...one, idempotent: 'yes' }, ['idempotent']],
    [{ ...one, idempotent: true, read_only: true }, ['idempotent']],
    [{ ...one, timeout_ms: 0 }, ['timeout_ms']],
    [{ ...one, connection: 5 }, ['connection']],
    [{ ...one, connection: 'x'.repeat(257) }, ['connection']],
    [{ ...one, connection_string: 'x'.repeat(8193) }, ['connection_string']],
    [{ transaction: {} }, ['transaction.statements']],
    [{ transaction: { statements: [] } }, ['transaction.statements']],
    [{ transaction: { statements: many(101) } }, ['transaction.statements']],
    [{ transaction: { statements: [{}] } }, ['transaction.statements.0.query']],
    [{ transaction: { statements: [one, { ...one, expected_rows: 1 }] } }, ['transaction.statements.1']],
    [{ transaction: { statements: [{ ...one, expect_rows: -1 }] } }, ['transaction.statements.0.expect_rows']],
    [{ transaction: { statements: [{ ...one, args: [], params: [] }] } }, ['transaction.statements.0.params']],
    [{ transaction: { statements: [{ query: 'a\0b' }] } }, ['transaction.statements.0.query']],
    [{ transaction: { statements: [one], readonly: true } }, ['transaction']],
    [{ transaction: { statements: [one] }, ...one }, ['query']],
    [{ transaction: { statements: [one] }, args: [1] }, ['args']],
    [{ transaction: { statements: [one], isolation: 'serializable' }, isolation: 'serializable' }, ['isolation']],
    [{ transaction: { statements: [one], read_only: true }, idempotent: true }, ['idempotent']],
  ])('%#', (payload, fields) => {
    expect(wrong(payload)).toEqual([...fields])
  })

  test('is told as every input is', async () => {
    await using rig = await startRig()
    const refused = async (id: string, payload: unknown) => {
      rig.assign({ assignment_id: id, job: { type: 'sql.query', payload } })
      return rig.result(id)
    }
    expect(await refused('a', {})).toMatchObject({ error_code: 'MISSING_REQUIRED_FIELD', attempts: 1 })
    expect(await refused('b', { query: 7 })).toMatchObject({ error_code: 'INVALID_INPUT' })
    expect(await refused('c', { query: 'a\0b' })).toMatchObject({ error_code: 'INVALID_INPUT' })
    // There is no DATABASE_URL here.
    expect(await refused('d', one)).toMatchObject({ error_code: 'MISSING_REQUIRED_FIELD' })
    const both = { ...one, connection: 'a', connection_string: 'postgres://a@b/c' }
    expect(await refused('e', both)).toMatchObject({ error_code: 'INVALID_INPUT' })
    expect(await refused('f', { ...one, timeout_ms: 'soon' })).toMatchObject({ error_code: 'INVALID_INPUT' })
  })
})

test('the statements of an input, in order', () => {
  const single = sqlInput.parse({ ...one, parameters: [1] })
  expect(statementsOf(single)).toEqual([{ field: 'query', query: 'select 1', args: [1], expectRows: undefined }])
  const several = sqlInput.parse({ transaction: { statements: [one, { query: 'b', params: ['x'], expect_rows: 3 }] } })
  expect(statementsOf(several)).toEqual([
    { field: 'transaction.statements.0.query', query: 'select 1', args: [], expectRows: undefined },
    { field: 'transaction.statements.1.query', query: 'b', args: ['x'], expectRows: 3 },
  ])
})

test('read_only may stand in either place', () => {
  const asks = (payload: object) => wantsReadOnly(sqlInput.parse(payload))
  expect(asks(one)).toBe(false)
  expect(asks({ ...one, read_only: true })).toBe(true)
  expect(asks({ transaction: { statements: [one] }, read_only: true })).toBe(true)
  expect(asks({ transaction: { statements: [one], read_only: true } })).toBe(true)
})
