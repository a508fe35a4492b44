/** Single statements: what they give, where they end, and how they fail. */
import { afterAll, describe, expect, test } from 'bun:test'
import { openSqlWorld } from './sql-world.ts'

const world = await openSqlWorld({ env: { SQL_MAX_ROWS: '1000', SQL_MAX_OUTPUT_BYTES: '100KB' } })
afterAll(() => world[Symbol.asyncDispose]())
await world.other`create table kv (id int primary key, v text not null, n int check (n > 0))`
await world.other`insert into kv select g, 'value ' || g, g from generate_series(1, 5000) g`

describe('the output', () => {
  test('is rows as objects, with their count', async () => {
    const payload = { query: 'select id, v from kv where id <= $1 order by id', args: [2] }
    const rows = [1, 2].map((id) => ({ id, v: `value ${id}` }))
    expect(await world.run(payload)).toEqual({ rows, row_count: 2, rows_affected: 0 })
  })

  test.each(['params', 'parameters'])('takes the values as %s too', async (name) => {
    expect(await world.run({ query: 'select $1::int + $2 as n', [name]: [1, 2] })).toMatchObject({ rows: [{ n: 3 }] })
  })

  test('has names and types of columns on demand', async () => {
    const payload = { query: 'select 1::int8 as a, now() as b, array[1] as c', columns: true }
    expect((await world.run(payload))['columns']).toEqual([
      { name: 'a', type: 'bigint' },
      { name: 'b', type: 'timestamp with time zone' },
      { name: 'c', type: 'integer[]' },
    ])
    expect((await world.run({ ...payload, query: 'select 1 as a where false' }))['columns']).toEqual([
      { name: 'a', type: 'integer' },
    ])
  })

  test('as columns: the names once, and rows as arrays', async () => {
    const payload = { query: 'select 1 as a, 2 as a, null as b', format: 'columns' }
    expect(await world.run(payload)).toEqual({
      columns: ['a', 'a_2', 'b'],
      rows: [[1, 2, null]],
      row_count: 1,
      rows_affected: 0,
    })
  })

  test('as a value: the first of the first row, null without rows', async () => {
    const run = (query: string) => world.run({ query, format: 'value' })
    expect(await run('select 7, 8')).toEqual({ value: 7, row_count: 1, rows_affected: 0 })
    expect(await run('select 7 where false')).toEqual({ value: null, row_count: 0, rows_affected: 0 })
    expect(await run('select from kv limit 1')).toMatchObject({ value: null })
    // One row is read, however many there are.
    expect(await run('select id from kv order by id')).toMatchObject({ value: 1, row_count: 1 })
    expect(await run('update kv set v = v where id < 10 returning id')).toMatchObject({ rows_affected: 9 })
  })

  test('names that occur again get a number, and none hides another', async () => {
    const { rows } = await world.run({ query: 'select 1 as a, 2 as a_2, 3 as a, 4 as a, 5 as "__proto__"' })
    expect(JSON.stringify(rows)).toBe('[{"a":1,"a_2":2,"a_3":3,"a_4":4,"__proto__":5}]')
  })

  test('counts what was written', async () => {
    const counts = async (query: string) => (await world.run({ query }))['rows_affected']
    expect(await counts("insert into kv values (9001, 'a', 1), (9002, 'b', 1)")).toBe(2)
    expect(await counts("update kv set v = 'c' where id > 9000")).toBe(2)
    const merge = 'merge into kv using (values (9001), (9003)) s(id) on kv.id = s.id'
    expect(await counts(`${merge} when matched then delete when not matched then insert values (s.id, 'd', 1)`)).toBe(2)
    expect(await counts('delete from kv where id > 9000')).toBe(2)
    expect(await counts('select * from kv limit 3')).toBe(0)
    expect(await counts('create temp table c as select * from kv')).toBe(0)
  })

  test.each([
    ['insert into kv values (9100, $1, 1) returning id, v', ['x'], [{ id: 9100, v: 'x' }]],
    ['with d as (delete from kv where id = 9100 returning id) select id from d', [], [{ id: 9100 }]],
    [
      'values (1, null), (2, $1::text)',
      ['x'],
      [
        { column1: 1, column2: null },
        { column1: 2, column2: 'x' },
      ],
    ],
    ['table kv order by id limit 1', [], [{ id: 1, v: 'value 1', n: 1 }]],
    ['(select 1 as a) union all (select 2) order by a;', [], [{ a: 1 }, { a: 2 }]],
    ['show integer_datetimes', [], [{ integer_datetimes: 'on' }]],
    ['explain (costs off) select 1', [], [{ 'QUERY PLAN': 'Result' }]],
    ['do $$ begin perform 1; end $$', [], []],
    ['-- nothing at all', [], []],
  ])('%s gives its rows', async (query, args, rows) => {
    expect((await world.run({ query, args }))['rows']).toEqual(rows)
  })
})

describe('the limits', () => {
  const all = 'select id from kv order by id'

  test('rows beyond SQL_MAX_ROWS, or max_rows, are QUOTA_EXCEEDED; as many as are allowed are not', async () => {
    for (const query of [all, 'with a as (update kv set v = v returning id) select id from a']) {
      const error = await world.failure({ query })
      expect(error).toMatchObject({ code: 'QUOTA_EXCEEDED', details: { limit: 'rows', max: 1000 }, unsent: true })
      expect(await world.failure({ query, max_rows: 10 })).toMatchObject({ details: { max: 10 } })
      expect(await world.failure({ query, max_rows: 100_000 })).toMatchObject({ details: { max: 1000 } })
    }
    expect(await world.run({ query: `${all} limit 1000` })).toMatchObject({ row_count: 1000 })
    expect(await world.run({ query: `${all} limit 7`, max_rows: 7 })).toMatchObject({ row_count: 7 })
  })

  test.each([1, 49, 50, 51, 250, 251, 999, 1000])('%i rows come whole and in order', async (count) => {
    const { rows, ...rest } = await world.run({ query: `${all} limit $1`, args: [count], format: 'columns' })
    expect(rows).toEqual(Array.from({ length: count }, (_, index) => [index + 1]))
    expect(rest).toEqual({ columns: ['id'], row_count: count, rows_affected: 0 })
  })

  test('with on_limit truncate what fits comes, and says so', async () => {
    const cut = { on_limit: 'truncate' }
    expect(await world.run({ query: all, ...cut })).toMatchObject({ row_count: 1000, truncated: true })
    expect(await world.run({ query: all, max_rows: 60, ...cut })).toMatchObject({ row_count: 60, truncated: true })
    expect(await world.run({ query: `${all} limit 60`, max_rows: 60, ...cut })).not.toHaveProperty('truncated')
    const written = { query: 'update kv set v = v where id <= 30 returning id', max_rows: 3, ...cut }
    expect(await world.run(written)).toMatchObject({ row_count: 3, rows_affected: 30, truncated: true })
  })

  test('rows of more than SQL_MAX_OUTPUT_BYTES are OUTPUT_TOO_LARGE', async () => {
    const wide = { query: `select repeat('x', 1000) as x from generate_series(1, 500)` }
    const error = await world.failure(wide)
    expect(error).toMatchObject({ code: 'OUTPUT_TOO_LARGE', details: { limit: 'bytes', max: 100_000 }, unsent: true })
    const { rows, truncated } = await world.run({ ...wide, on_limit: 'truncate' })
    expect(truncated).toBe(true)
    const size = JSON.stringify(rows).length
    expect(size).toBeLessThanOrEqual(100_000)
    expect(size).toBeGreaterThan(98_000)
    const single = { query: `select repeat('x', 200000) as x` }
    expect(await world.failure(single)).toMatchObject({ code: 'OUTPUT_TOO_LARGE' })
    expect(await world.run({ ...single, on_limit: 'truncate' })).toMatchObject({ rows: [], truncated: true })
  })
})

describe('a query that calls and sorts nothing', () => {
  test.each([0, 1, 49, 50, 51, 52, 200, 1000])('gives %i rows whole', async (count) => {
    const payload = { query: 'select id from kv where id <= $1 -- all of them', args: [count], format: 'columns' }
    const { rows, ...rest } = await world.run(payload)
    expect((rows as number[][]).map(([id]) => id).toSorted((a = 0, b = 0) => a - b)).toEqual(
      Array.from({ length: count }, (_, index) => index + 1),
    )
    expect(rest).toEqual({ columns: ['id'], row_count: count, rows_affected: 0 })
  })

  test('is held to the same limits', async () => {
    const query = 'select id from kv'
    expect(await world.failure({ query })).toMatchObject({ code: 'QUOTA_EXCEEDED', details: { max: 1000 } })
    expect(await world.failure({ query, max_rows: 7 })).toMatchObject({ code: 'QUOTA_EXCEEDED', details: { max: 7 } })
    expect(await world.run({ query, max_rows: 7, on_limit: 'truncate' })).toMatchObject({
      row_count: 7,
      truncated: true,
    })
    expect(await world.run({ query, max_rows: 70, on_limit: 'truncate' })).toMatchObject({
      row_count: 70,
      truncated: true,
    })
    expect(await world.run({ query: `${query} where id < 8`, max_rows: 7 })).not.toHaveProperty('truncated')
    expect(await world.run({ query, format: 'value' })).toMatchObject({ row_count: 1 })
  })

  test('has its effects once, even where a view hides them', async () => {
    await world.other`create table seen (n int)`
    await world.other`create function see(n int) returns int language plpgsql as $$
      begin insert into seen values (n); return n; end $$`
    await world.other`create view hidden as select see(g) as n from generate_series(1, 200) g`
    expect(await world.run({ query: 'select n from hidden' })).toMatchObject({ row_count: 200 })
    expect(await world.other`select n from seen`).toBeArrayOfSize(200)
  })
})

describe('an error of the server', () => {
  test.each([
    ['selec 1', { sql_state: '42601', position: 1 }],
    ['select é, nope from kv', { sql_state: '42703', position: 8 }],
    ["insert into kv values (1, 'x', 1)", { sql_state: '23505', constraint: 'kv_pkey', table: 'kv', schema: 'public' }],
    ["insert into kv values (9999, 'x', -1)", { sql_state: '23514', constraint: 'kv_n_check', table: 'kv' }],
    ['insert into kv values (9999)', { sql_state: '23502', column: 'v', table: 'kv' }],
    ['select 1/0', { sql_state: '22012' }],
    ['select 1/(id - 60) from kv order by id', { sql_state: '22012' }],
    ['select 1; select 2', { sql_state: '42601' }],
    ['select * from nope', { sql_state: '42P01', position: 15 }],
    ['update nope set a = 1', { sql_state: '42P01', position: 8 }],
  ])('in %p tells %p', async (query, details) => {
    const error = await world.failure({ query })
    expect(error).toMatchObject({ code: 'DB_QUERY_ERROR', retry: 'never', unsent: true, details })
    expect(error.message).toBe('The database refused the query')
    expect(error.details).not.toHaveProperty('detail')
    expect(error.details?.['server_message']).toBeString()
    if (!('position' in details)) expect(error.details).not.toHaveProperty('statement')
  })

  test('counts the position in the text of the job, with parameters too', async () => {
    const position = 'select $1::int, nope'.indexOf('nope') + 1
    for (const query of ['select $1::int, nope', 'delete from kv where nope = $1']) {
      const error = await world.failure({ query, args: [1] })
      expect(error.details).toMatchObject({ sql_state: '42703', position: query.indexOf('nope') + 1 })
    }
    expect(position).toBe(17)
  })

  test('has a message of at most 500 characters, and none of the values of the row', async () => {
    const raised = await world.failure({ query: `do $$ begin raise exception '%', repeat('é', 2000); end $$` })
    expect(raised.details?.['server_message']).toBe('é'.repeat(500))
    const violated = await world.failure({ query: `insert into kv values (1, 'hidden-value', 1)` })
    expect(JSON.stringify(violated.details)).not.toContain('hidden-value')
  })

  test.each([
    ['select $1::int', [1.5]],
    ['select $1::int', ['abc']],
    ['select $1::int', []],
    ['select $1::int', [1, 2]],
    ['select 1', [1]],
    ['select $2::int', [1]],
    ['do $$ begin end $$', [1]],
  ])('%s with %j is no success', async (query, args) => {
    const error = await world.failure({ query, args })
    expect(['DB_QUERY_ERROR', 'INVALID_INPUT']).toContain(error.code)
    if (args.length !== 1 || query === 'select 1') expect(error.code).toBe('INVALID_INPUT')
  })

  test('leaves the connection as it was', async () => {
    for (let round = 0; round < 20; round++) await world.failure({ query: 'select 1/0' })
    expect(await world.run({ query: 'select 1 as one' })).toMatchObject({ rows: [{ one: 1 }] })
    const [{ count } = { count: 0 }] = await world.other`
      select count(*)::int from pg_stat_activity where application_name like 'beamline%'`
    expect(count).toBeLessThanOrEqual(1)
  })
})
