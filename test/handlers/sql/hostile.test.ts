/** What a hostile job may try on a real server. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { eventually } from '../../support/eventually.ts'
import { openSqlWorld } from './sql-world.ts'

const world = await openSqlWorld({ env: { SQL_POOL_SIZE: '2' } })
const { other } = world
afterAll(() => world[Symbol.asyncDispose]())

beforeAll(async () => {
  await other.unsafe(`
    create table kept (a text);
    create table plain (id int primary key, v text);
    insert into plain values (1, 'one');
    create function leak() returns int language plpgsql as $$ begin
      perform pg_advisory_lock(77); perform set_config('a.b', 'leaked', false); return 1; end $$;
    create view leaking as select leak() as n`)
})

const isActive = async (part: string) =>
  (
    await other`select 1 from pg_stat_activity where state = 'active' and query like ${`%${part}%`} and pid <> pg_backend_pid()`
  ).length > 0
const advisory = async () => (await other`select 1 from pg_locks where locktype = 'advisory'`).length

describe('the clean-up behind a COMMIT', () => {
  test('that fails does not take back what was kept', async () => {
    const tables = `do $$ declare c text; begin
      select string_agg('constraint c'||i||' check (a>'||i||')', ',') into c from generate_series(1,60) i;
      for k in 1..400 loop execute format('create temp table t%s (a int, %s)', k, c); end loop; end $$`
    const statements = [{ query: "insert into kept values ('x')" }, { query: tables }]
    expect(await world.run({ transaction: { statements } })).toMatchObject({ results: [{ rows_affected: 1 }, {}] })
    expect(await other`select a from kept`).toHaveLength(1)
    expect(await world.run({ query: 'select 1 as n' })).toMatchObject({ rows: [{ n: 1 }] })
  }, 30_000)

  test('takes away what functions behind a view have left', async () => {
    await world.run({ query: 'select n from leaking' })
    await eventually(async () => (await advisory()) === 0)
    const { rows } = await world.run({ query: "select coalesce(current_setting('a.b', true), '') as it" })
    expect(rows).toEqual([{ it: '' }])
  })

  test('takes away locks that functions have taken whose name tells nothing', async () => {
    await world.run({ query: 'select leak()' })
    await eventually(async () => (await advisory()) === 0)
  })
})

describe('a query that goes on', () => {
  test('although it is cancelled is ended on the server, and takes no place', async () => {
    const query = `do $$ begin /* stubborn */ loop begin perform pg_sleep(1000);
      exception when query_canceled then null; end; end loop; end $$`
    const stop = new AbortController()
    const runs = [1, 2].map(() => world.failure({ query }, { signal: stop.signal, tenantId: `t${Math.random()}` }))
    await eventually(() => isActive('stubborn'))
    stop.abort(new Error('stop'))
    await Promise.all(runs)
    await eventually(async () => !(await isActive('stubborn')))
    expect(await world.run({ query: 'select 1 as n' })).toMatchObject({ rows: [{ n: 1 }] })
  })

  test('has its time limit again, whatever the statements before it have set', async () => {
    const statements = [
      { query: "select set_config('statement_timeout', '0', true), set_config('lock_timeout', '0', true)" },
      { query: "select current_setting('statement_timeout') as a, current_setting('lock_timeout') as b" },
    ]
    const { results } = await world.run({ transaction: { statements } })
    expect(results).toMatchObject([{}, { rows: [{ a: '60250ms', b: '60250ms' }] }])
  })

  test('is one of a session that looks whether its client is still there', async () => {
    const { rows } = await world.run({ query: "select current_setting('client_connection_check_interval') as it" })
    expect(rows).toEqual([{ it: '5s' }])
  })
})

describe('rows', () => {
  test.each([
    [
      'that become large',
      "select case when g<=4250 then '' else repeat('x',60000) end v from generate_series(1,10000) g",
    ],
    ['that are large', "select repeat('x',6000000) v from generate_series(1,50)"],
  ])('%s are refused before many of them are here', async (_, query) => {
    Bun.gc(true)
    const before = process.memoryUsage.rss()
    expect(await world.failure({ query })).toMatchObject({ code: 'OUTPUT_TOO_LARGE' })
    expect(process.memoryUsage.rss() - before).toBeLessThan(200_000_000)
  })

  test('count with the names and types of their columns', async () => {
    const columns = Array.from({ length: 1600 }, (_, index) => `null as ${`c${index}_`.padEnd(60, 'x')}`).join()
    const statements = Array.from({ length: 10 }, () => ({ query: `select ${columns} where false` }))
    const error = await world.failure({ transaction: { statements }, columns: true })
    expect(error).toMatchObject({ code: 'OUTPUT_TOO_LARGE', unsent: true })
  })

  test('that are more than the worker can send are refused before anything is kept', async () => {
    const statements = [{ query: "insert into plain values (5, repeat('x', 3000)) returning v" }]
    const error = await world.failure({ transaction: { statements } }, { maxOutputBytes: 2000 })
    expect(error).toMatchObject({ code: 'OUTPUT_TOO_LARGE', unsent: true })
    expect(await other`select 1 from plain where id = 5`).toHaveLength(0)
  })
})

test.each(['select 1 as', 'select a from kept where'])('%j has no position that is not in it', async (query) => {
  const error = await world.failure({ query })
  expect(error).toMatchObject({ code: 'DB_QUERY_ERROR', details: { sql_state: '42601' } })
  expect(Number(error.details?.['position'] ?? 0)).toBeLessThanOrEqual(query.length + 1)
  expect(JSON.stringify(error.details)).not.toMatch(/limit/i)
})
