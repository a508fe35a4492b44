/** Queries that come again: they are prepared by name and run in one exchange, and nobody can tell but by the clock. */
import { afterAll, describe, expect, test } from 'bun:test'
import { JobError } from '../../../src/errors.ts'
import { eventually } from '../../support/eventually.ts'
import { openSqlWorld, type SqlWorld } from './sql-world.ts'
import { openUnmarking } from './unmarking-proxy.ts'

const world = await openSqlWorld({ env: { SQL_POOL_SIZE: '3' } })
const { other, server } = world
afterAll(() => world[Symbol.asyncDispose]())
await other`create table kv (id int primary key, v text not null, n numeric, at timestamptz, j jsonb)`
await other`insert into kv select g, 'value ' || g, g + 0.50, '2026-01-02 03:04:05.123456+02', '{"a":1}' from generate_series(1, 20) g`
await other`create table noted (note text)`

const byKey = 'select id, v, n, at, j from kv where id = $1'

async function sessions(): Promise<number> {
  const [row] = await other`select count(*)::int as n from pg_stat_activity where application_name = 'beamline'`
  return Number(row?.['n'])
}

/** Only those of `world`, which has one of each kind: the server ends those of worlds that were closed when it gets to it. */
async function settled(): Promise<number> {
  await eventually(async () => (await sessions()) === 2)
  return 2
}

/** Runs a payload until it must be quick, and says what came each time. */
async function thrice(payload: unknown, on: SqlWorld = world): Promise<readonly unknown[]> {
  const came: unknown[] = []
  for (let turn = 0; turn < 3; turn++) {
    came.push(await on.run(payload).catch(failed))
  }
  return came
}

function failed(thrown: unknown): unknown {
  if (!(thrown instanceof JobError)) throw thrown
  const { code, details, unsent } = thrown
  return { code, details, unsent }
}

test('a query that comes again goes by a connection of its own, and gives the same', async () => {
  const row = { id: 7, v: 'value 7', n: '7.50', at: '2026-01-02T01:04:05.123456Z', j: { a: 1 } }
  await world.run({ query: byKey, args: [7] })
  expect(await sessions()).toBe(1)
  for (const _turn of [2, 3, 4]) expect((await world.run({ query: byKey, args: [7] }))['rows']).toEqual([row])
  expect(await sessions()).toBe(2)
})

test('where SQL_PREPARE is false it does not', async () => {
  await using without = await openSqlWorld({ server, env: { SQL_PREPARE: 'false' } })
  const before = await settled()
  const came = await thrice({ query: byKey, args: [7] }, without)
  expect(came).toEqual(await thrice({ query: byKey, args: [7] }))
  expect(await sessions()).toBe(before + 1)
})

test('behind a pooler, whose sessions are not ours alone, it does not', async () => {
  await using pooler = await openUnmarking(server.port)
  const url = `postgres://postgres@127.0.0.1:${pooler.port}/postgres?sslmode=disable`
  await using behind = await openSqlWorld({ server, env: { DATABASE_URL: url } })
  const before = await settled()
  const came = await thrice({ query: byKey, args: [7] }, behind)
  expect(came).toEqual(await thrice({ query: byKey, args: [7] }))
  expect(pooler.unmarked).toBe(1)
  await eventually(async () => (await sessions()) === before + 1)
})

describe('the first time and the others give the same', () => {
  test.each<[what: string, payload: Readonly<Record<string, unknown>>]>([
    ['no row', { args: [99] }],
    ['NULL', { args: [null] }],
    ['as columns', { args: [3], format: 'columns' }],
    ['a value', { args: [3], format: 'value' }],
    ['names and types', { args: [3], columns: true }],
    ['reading only', { args: [3], read_only: true }],
    ['serializable', { args: [3], isolation: 'serializable' }],
    ['repeatable read', { args: [3], isolation: 'repeatable_read' }],
    ['more rows than are read at once', { query: 'select id, v from kv where j = $1', args: [{ a: 1 }] }],
    ['many rows', { query: 'select id, v from kv where at = $1', args: ['2026-01-02T03:04:05.123456+02'] }],
    [
      'eight rows',
      {
        query: 'select id from kv where at = $1',
        args: ['2026-01-02T03:04:05.123456+02'],
        max_rows: 8,
        on_limit: 'truncate',
      },
    ],
    [
      'too many rows',
      { query: 'select id from kv where at = $1', args: ['2026-01-02T03:04:05.123456+02'], max_rows: 3 },
    ],
    ['a value that is none', { args: ['1.5'] }],
    ['a number that is none', { args: [1.5] }],
    ['a number that is too large', { args: [2 ** 31] }],
    ['a wrong count', { args: [1, 2] }],
    ['a kind of value that does not fit', { args: [{ a: 1 }] }],
    [
      'a transaction of one',
      { query: undefined, transaction: { statements: [{ query: byKey, args: [4], expect_rows: 1 }] } },
    ],
    [
      'a wrong number of rows',
      { query: undefined, transaction: { statements: [{ query: byKey, args: [99], expect_rows: 1 }] } },
    ],
  ])('%s', async (_, payload) => {
    // So that it is known.
    await thrice({ query: byKey, args: [1] })
    const [first, ...others] = await thrice({ query: byKey, ...payload })
    expect(others).toEqual([first, first])
  })

  test('rows that are too large', async () => {
    await using small = await openSqlWorld({ server, env: { SQL_MAX_OUTPUT_BYTES: '1KB' } })
    await other`create table large as select 1 as id, repeat('x', 5000) as v`
    const payload = { query: 'select v from large where id = $1', args: [1] }
    const [first, ...others] = await thrice(payload, small)
    expect(first).toMatchObject({ code: 'OUTPUT_TOO_LARGE' })
    expect(others).toEqual([first, first])
    const few = await thrice({ ...payload, on_limit: 'truncate' }, small)
    expect(few).toEqual(
      Array.from({ length: 3 }, () => ({ rows: [], row_count: 0, rows_affected: 0, truncated: true })),
    )
  })
})

describe('a table that is not what it was', () => {
  test.each<[change: string, how: string, after: unknown]>([
    ['another type of what is read', 'alter table t alter v type text', [{ v: '5' }]],
    ['another type of what is compared', 'alter table t alter id type text', [{ v: 5 }]],
    ['a type that is not read so', 'alter table t alter v type real', [{ v: 5 }]],
    ['another table', 'drop table t; create table public.t (id int, v int); insert into t values (1, 6)', [{ v: 6 }]],
    ['a view', 'alter table t rename to u; create view public.t as select id, v + 1 as v from u', [{ v: 6 }]],
    [
      'another table in front of it',
      'create table postgres.t (id int, v int); insert into postgres.t values (1, 6)',
      [{ v: 6 }],
    ],
    ['row security', 'alter table t enable row level security; alter table t force row level security', [{ v: 5 }]],
  ])('%s', async (_, how, after) => {
    await other.unsafe('drop schema if exists postgres cascade; create schema postgres')
    await other.unsafe('drop view if exists t').catch(() => undefined)
    await other.unsafe('drop table if exists t, u cascade')
    await other.unsafe('create table public.t (id int, v int); insert into public.t values (1, 5)')
    const payload = { query: 'select v from t where id = $1', args: ['1'] }
    for (const came of await thrice(payload)) expect(came).toMatchObject({ rows: [{ v: 5 }] })
    await other.unsafe(how)
    for (const came of await thrice(payload)) expect(came).toMatchObject({ rows: after })
    await other.unsafe('drop schema postgres cascade')
    await other.unsafe('drop view if exists t').catch(() => undefined)
  })

  test('no table', async () => {
    await other.unsafe('create table gone (id int, v int)')
    const payload = { query: 'select v from gone where id = $1', args: [1] }
    await thrice(payload)
    await other`drop table gone`
    const [first, ...others] = await thrice(payload)
    expect(first).toMatchObject({ code: 'DB_QUERY_ERROR', unsent: true, details: { sql_state: '42P01', position: 15 } })
    expect(others).toEqual([first, first])
  })

  test('a view that writes and takes over the session: it writes once each time, and leaves nothing behind', async () => {
    await other.unsafe(`
      create table w (id int, v int); insert into w values (1, 5);
      create function busy(n int) returns int language plpgsql as $$ begin
        perform set_config('app.left', 'here', false); perform pg_advisory_lock(77);
        execute 'deallocate all'; execute 'prepare "P0" as select 666'; execute 'prepare "P1" as select 666';
        insert into noted values ('seen'); return n; end $$`)
    const payload = { query: 'select v from w where id = $1', args: [1] }
    await thrice(payload)
    await other.unsafe('alter table w rename to w2; create view w as select id, busy(v) as v from w2')
    for (const came of await thrice(payload)) expect(came).toMatchObject({ rows: [{ v: 5 }] })
    expect((await other`select * from noted`).length).toBe(3)
    await eventually(async () => (await other`select 1 from pg_locks where locktype = 'advisory'`).length === 0)
    for (const tenantId of ['acme', 'evil', 'acme', 'evil']) {
      const look = { query: "select coalesce(current_setting('app.left', true), '') as it" }
      expect(await world.run(look, { tenantId })).toMatchObject({ rows: [{ it: '' }] })
      expect(await world.run({ query: byKey, args: [5] }, { tenantId })).toMatchObject({ rows: [{ id: 5 }] })
    }
  })
})

test('policies run nothing in a session that is used again', async () => {
  const url = server.url.replace('postgres@', 'reader@')
  await using reader = await openSqlWorld({ server, env: { DATABASE_URL: url } })
  await other.unsafe(`
    create role reader login; create table ruled (id int, v int); insert into ruled values (1, 5), (1, 6);
    grant select on ruled to reader;
    create function holds(n int) returns boolean language plpgsql as $$ begin
      perform pg_try_advisory_lock(78); return n = 6; end $$;
    create policy held on ruled using (holds(v))`)
  const payload = { query: 'select v from ruled where id = $1', args: [1] }
  await thrice(payload, reader)
  await other`alter table ruled enable row level security`
  for (const came of await thrice(payload, reader)) expect(came).toMatchObject({ rows: [{ v: 6 }] })
  await eventually(async () => (await other`select 1 from pg_locks where locktype = 'advisory'`).length === 0)
})

describe('a query that waits', () => {
  test('is cancelled on the server with its job, and the next ones are answered', async () => {
    await thrice({ query: byKey, args: [1] })
    await other.begin(async (holder) => {
      await holder`lock table kv`
      const from = performance.now()
      const signal = AbortSignal.timeout(200)
      const error = await world.failure({ query: byKey, args: [1] }, { signal })
      expect(performance.now() - from).toBeWithin(190, 700)
      expect(error.unsent).toBe(true)
      await eventually(async () => (await holder`select 1 from pg_locks where not granted`).length === 0)
    })
    const rows = await Promise.all(Array.from({ length: 100 }, () => world.run({ query: byKey, args: [1] })))
    expect(rows.every(({ row_count: count }) => count === 1)).toBe(true)
  })

  test('is ended by the server when its time is over', async () => {
    await thrice({ query: byKey, args: [1] })
    await other.begin(async (holder) => {
      await holder`lock table kv`
      let left = 50
      const timeLeftMs = (): number => {
        const now = left
        left = 0
        return now
      }
      const error = await world.failure({ query: byKey, args: [1] }, { timeLeftMs })
      expect([error.code, error.unsent]).toEqual(['TIMEOUT', true])
    })
  })
})

test('sessions that the server has ended are replaced without a word', async () => {
  await thrice({ query: byKey, args: [1] })
  await other`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'beamline'`
  const rows = await Promise.all(Array.from({ length: 20 }, () => world.run({ query: byKey, args: [1] })))
  expect(rows.every(({ row_count: count }) => count === 1)).toBe(true)
})

test.each([1, 3])('with %p connections, both kinds of jobs of two tenants have their turn', async (size) => {
  await using narrow = await openSqlWorld({ server, env: { SQL_POOL_SIZE: String(size) } })
  const before = await sessions()
  let most = 0
  let done = 0
  const watching = (async () => {
    while (done < 300) most = Math.max(most, (await sessions()) - before)
  })()
  const jobs = Array.from({ length: 300 }, async (_, index) => {
    const query = index % 5 === 0 ? 'select $1::int as id' : byKey
    const { rows } = await narrow.run({ query, args: [(index % 20) + 1] }, { tenantId: `t${index % 2}` })
    done++
    return (rows as { id: number }[])[0]?.id
  })
  expect(await Promise.all(jobs)).toEqual(jobs.map((_, index) => (index % 20) + 1))
  await watching
  // One that is ended to make room may still be leaving.
  expect(most).toBeLessThanOrEqual(size + 1)
  await eventually(async () => (await sessions()) <= before + size)
})
