/** Several statements: all or nothing, with values of earlier ones, beside other transactions. */
import { afterAll, beforeEach, describe, expect, test } from 'bun:test'
import { eventually } from '../../support/eventually.ts'
import { openSqlWorld } from './sql-world.ts'

const world = await openSqlWorld()
afterAll(() => world[Symbol.asyncDispose]())
await world.other`create table account (id serial primary key, owner text unique, balance int not null check (balance >= 0))`
await world.other`create table entry (account int references account deferrable initially deferred, amount int, note jsonb)`

beforeEach(async () => {
  await world.other`truncate account, entry restart identity`
  await world.other`insert into account (owner, balance) values ('ada', 100), ('bob', 0)`
})

const balances = async () => (await world.other`select balance from account order by id`).map(({ balance }) => balance)
const run = (statements: readonly object[], more: object = {}) => world.run({ transaction: { statements, ...more } })
const failure = (statements: readonly object[], more: object = {}) =>
  world.failure({ transaction: { statements, ...more } })
const take = {
  query: "update account set balance = balance - $1 where owner = 'ada' returning id, balance",
  args: [30],
}
const give = { query: "update account set balance = balance + $1 where owner = 'bob'", args: [30] }

describe('a transaction', () => {
  test('gives a result for each statement, and keeps all of them', async () => {
    expect(await run([take, give, { query: 'select balance from account order by id' }])).toEqual({
      results: [
        { rows: [{ id: 1, balance: 70 }], row_count: 1, rows_affected: 1 },
        { rows: [], row_count: 0, rows_affected: 1 },
        { rows: [{ balance: 70 }, { balance: 30 }], row_count: 2, rows_affected: 0 },
      ],
    })
    expect(await balances()).toEqual([70, 30])
  })

  test('keeps none of them when one fails, and tells which', async () => {
    const error = await failure([give, { ...take, args: [101] }])
    expect(error).toMatchObject({
      code: 'DB_QUERY_ERROR',
      unsent: true,
      details: { sql_state: '23514', statement: 1, constraint: 'account_balance_check' },
    })
    expect(await balances()).toEqual([100, 0])
  })

  test('keeps none of them when the server refuses at the end', async () => {
    const error = await failure([give, { query: 'insert into entry values (99, 1)' }])
    expect(error).toMatchObject({
      code: 'DB_QUERY_ERROR',
      unsent: true,
      details: { sql_state: '23503', table: 'entry' },
    })
    expect(await balances()).toEqual([100, 0])
    expect(await run([give])).toBeDefined()
  })

  test('shows its own changes to its queries, in each format', async () => {
    const statements = [give, { query: 'select owner, balance from account where balance = 30' }]
    const format = async (format: string) => {
      const output = await world.run({ transaction: { statements }, format })
      await world.other`update account set balance = 0 where owner = 'bob'`
      return output['results']
    }
    expect(await format('columns')).toMatchObject([{}, { columns: ['owner', 'balance'], rows: [['bob', 30]] }])
    expect(await format('value')).toMatchObject([{ value: null, rows_affected: 1 }, { value: 'bob' }])
  })

  test('counts rows over all statements', async () => {
    const two = { query: 'select 1 from account' }
    const transaction = { statements: [two, two] }
    expect(await world.failure({ transaction, max_rows: 3 })).toMatchObject({ code: 'QUOTA_EXCEEDED' })
    expect(await world.run({ transaction, max_rows: 4 })).toBeDefined()
    const cut = await world.run({ transaction, max_rows: 3, on_limit: 'truncate' })
    expect(cut['results']).toMatchObject([{ row_count: 2 }, { row_count: 1, truncated: true }])
  })

  test('changes what it has read before', async () => {
    const statements = [
      'select * from account',
      'alter table account add column extra int',
      'select extra from account',
    ]
    const output = await run(statements.map((query) => ({ query })))
    expect(output['results']).toMatchObject([{ row_count: 2 }, {}, { rows: [{ extra: null }, { extra: null }] }])
    await world.other`alter table account drop column extra`
  })

  test('encodes values for what earlier statements made', async () => {
    const statements = [
      { query: 'create temp table t (j jsonb)' },
      { query: 'insert into t values ($1) returning j', args: ['text'] },
      { query: 'drop table t' },
      { query: 'create temp table t (j text)' },
      { query: 'insert into t values ($1) returning j', args: ['text'] },
    ]
    for (let round = 0; round < 2; round++) {
      const { results } = await run(statements)
      expect(results).toMatchObject([{}, { rows: [{ j: 'text' }] }, {}, {}, { rows: [{ j: 'text' }] }])
    }
  })
})

describe('expect_rows', () => {
  test.each([
    [{ ...give, expect_rows: 1 }, undefined],
    [
      { ...give, expect_rows: 2 },
      { expected: 2, actual: 1, statement: 1 },
    ],
    [
      { ...give, expect_rows: 0 },
      { expected: 0, actual: 1, statement: 1 },
    ],
    [{ query: 'select 1 from account', expect_rows: 2 }, undefined],
    [
      { query: 'select 1 from account', expect_rows: 1 },
      { expected: 1, actual: 2, statement: 1 },
    ],
    [
      { query: "delete from account where owner = 'eve'", expect_rows: 1 },
      { expected: 1, actual: 0, statement: 1 },
    ],
    [{ query: 'update account set owner = owner returning id', expect_rows: 2 }, undefined],
  ])('of %j', async (statement, details) => {
    if (details === undefined) return void (await run([take, statement]))
    expect(await failure([take, statement])).toMatchObject({ code: 'PRECONDITION_FAILED', details, unsent: true })
    expect(await balances()).toEqual([100, 0])
  })

  test('counts all rows whatever is shown of them', async () => {
    const statements = [{ query: 'select 1 from account', expect_rows: 1 }]
    const error = await world.failure({ transaction: { statements }, format: 'value' })
    expect(error).toMatchObject({ code: 'PRECONDITION_FAILED', details: { expected: 1, actual: 2 } })
  })
})

describe('a reference', () => {
  const insert = { query: "insert into account (owner, balance) values ('eve', 5) returning id, owner" }

  test('is a value of an earlier statement', async () => {
    const args = [{ $ref: 'results[0].rows[0].id' }, { $ref: 'results[0].row_count' }, { $ref: 'results[0].rows' }]
    await run([insert, { query: 'insert into entry values ($1, $2, $3)', args }])
    const [entry] = await world.other`select * from entry`
    expect(entry).toEqual({ account: 3, amount: 1, note: [{ id: 3, owner: 'eve' }] })
  })

  test('to nothing, or to null, is an error that names it', async () => {
    for (const $ref of ['results[0].rows[7].id', 'results[1]', 'nope', 'results[0].rows[0].none']) {
      const error = await failure([insert, { query: 'select $1::int', args: [{ $ref }] }])
      const details = { reason: 'reference', statement: 1, parameter: 1 }
      expect(error).toMatchObject({ code: 'PRECONDITION_FAILED', details, unsent: true })
    }
  })

  test('that is no expression fails before anything is sent', async () => {
    const error = await failure([insert, { query: 'select $1::int, $2', args: [1, { $ref: 'results[' }] }])
    expect(error).toMatchObject({
      code: 'JMESPATH_COMPILE_ERROR',
      details: { statement: 1, parameter: 2 },
      unsent: true,
    })
    expect(error.details?.['position']).toBeNumber()
  })

  test('that fails over its data says so', async () => {
    const error = await failure([insert, { query: 'select $1::int', args: [{ $ref: 'abs(results)' }] }])
    expect(error).toMatchObject({
      code: 'JMESPATH_RUNTIME_ERROR',
      details: { statement: 1, parameter: 1 },
      unsent: true,
    })
    expect(await balances()).toEqual([100, 0])
  })

  test('is one only as the whole value, and only in transactions', async () => {
    const args = [{ $ref: 'a', more: 1 }, [{ $ref: 'a' }], { $ref: 5 }, { $ref: '`{"$ref":"a"}`' }]
    const query = 'select $1::jsonb as a, $2::jsonb as b, $3::jsonb as c, $4::jsonb as d'
    const rows = [{ a: args[0], b: args[1], c: args[2], d: { $ref: 'a' } }]
    expect((await run([{ query, args }]))['results']).toMatchObject([{ rows }])
    const single = await world.run({ query: 'select $1::jsonb as a', args: [{ $ref: 'results' }] })
    expect(single['rows']).toEqual([{ a: { $ref: 'results' } }])
  })
})

describe('isolation', () => {
  test.each(['read_committed', 'repeatable_read', 'serializable'])(
    '%s is what the server then has',
    async (isolation) => {
      const query = "select current_setting('transaction_isolation') as level"
      const level = isolation.replace('_', ' ')
      expect(await world.run({ query, isolation })).toMatchObject({ rows: [{ level }] })
      expect((await run([{ query }], { isolation }))['results']).toMatchObject([{ rows: [{ level }] }])
      expect(await world.run({ query })).toMatchObject({ rows: [{ level: 'read committed' }] })
    },
  )

  test('a serialization failure kept nothing and may be repeated', async () => {
    const held = await world.other.reserve()
    await held`begin`
    await held`update account set balance = 90 where owner = 'ada'`
    const late = failure([{ query: 'select 1 from account' }, take], { isolation: 'repeatable_read' })
    await eventually(async () => (await world.other`select 1 from pg_locks where not granted`).length > 0)
    await held`commit`
    held.release()
    const details = { sql_state: '40001', statement: 1 }
    expect(await late).toMatchObject({ code: 'DB_QUERY_ERROR', retry: 'backoff', unsent: true, details })
    expect(await balances()).toEqual([90, 0])
  })
})
