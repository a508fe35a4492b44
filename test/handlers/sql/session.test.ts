/** What a job leaves behind in its session: nothing; and how a job ends that is stopped. */
import { afterAll, describe, expect, test } from 'bun:test'
import { openSqlWorld } from './sql-world.ts'

const world = await openSqlWorld({ env: { SQL_POOL_SIZE: '1' } })
const { other } = world
afterAll(() => world[Symbol.asyncDispose]())
await other`create table t (a int)`
await other`create role somebody`
await other`create sequence counter`

const row = async (query: string) => (await world.run({ query }))['rows']

// First, while nothing that a test has made keeps tables from being ordinary.
test('nothing passes from a table that was ordinary and has become a view, however lately', async () => {
  await other.unsafe(`
    create table late (v int); insert into late values (5);
    create function steer(n int) returns int language plpgsql as
      $$ begin perform set_config('search_path', 'elsewhere', false); return n; end $$`)
  // The second time it is known.
  for (const _time of [1, 2]) expect(await row('select v from late')).toEqual([{ v: 5 }])
  await other.unsafe('alter table late rename to later; create view late as select steer(v) as v from later')
  expect(await row('select v from late')).toEqual([{ v: 5 }])
  expect(await row("select current_setting('search_path') as it")).toEqual([{ it: '"$user", public' }])
})

describe('nothing of a session passes to the next job', () => {
  test.each([
    ['a setting', "set search_path = 'elsewhere'", "select current_setting('search_path') as it", '"$user", public'],
    [
      'a setting by a function',
      "select set_config('a.b', 'c', false)",
      "select coalesce(current_setting('a.b', true), '') as it",
      '',
    ],
    ['a time limit', 'set statement_timeout = 1', "select current_setting('lock_timeout') as it", /^60\d{3}ms$|^60s$/],
    ['a role', 'set role somebody', 'select current_user as it', 'postgres'],
    ['a user', 'set session authorization somebody', 'select session_user as it', 'postgres'],
    ['a temporary table', 'create temp table left_over (a int)', "select to_regclass('left_over') as it", null],
    [
      'a cursor',
      "do $$ declare c refcursor := 'left'; begin open c for select 1; end $$",
      "select count(*)::int as it from pg_cursors where name = 'left'",
      0,
    ],
    ['a lock', 'select pg_advisory_lock(7)', "select count(*)::int as it from pg_locks where locktype = 'advisory'", 0],
    [
      'a channel',
      "do $$ begin execute 'listen left'; end $$",
      'select count(*)::int as it from pg_listening_channels()',
      0,
    ],
    [
      'a prepared statement',
      "do $$ begin execute 'prepare left_over as select 1'; end $$",
      "select count(*)::int as it from pg_prepared_statements where name = 'left_over'",
      0,
    ],
  ])('%s', async (_, leave, look, expected) => {
    for (const fails of [false, true]) {
      const statements = [{ query: leave }, ...(fails ? [{ query: 'select 1/0' }] : [])]
      await world.run({ transaction: { statements } }).catch(() => undefined)
      const [found] = (await world.run({ query: look }))['rows'] as { it: unknown }[]
      if (expected instanceof RegExp) expect(found?.it).toMatch(expected)
      else expect(found?.it).toBe(expected)
    }
  })

  test('the last value of a sequence', async () => {
    await world.run({ query: "select nextval('counter')" })
    expect(await world.failure({ query: 'select lastval()' })).toMatchObject({ details: { sql_state: '55000' } })
  })
})

describe('a statement that would end the transaction', () => {
  test.each([
    'commit',
    '/* x */ rollback',
    ';commit',
    'begin',
    'savepoint a',
    'prepare transaction $$x$$',
    'set transaction isolation level serializable',
    'discard all',
    'copy t to stdout',
    'declare c cursor for select 1',
    'execute x',
  ])('%s is refused before anything is sent, and says what to do', async (query) => {
    const error = await world.failure({
      transaction: { statements: [{ query: 'insert into t values (1)' }, { query }] },
    })
    expect(error).toMatchObject({ code: 'INVALID_INPUT', unsent: true })
    expect(error.details).toMatchObject({ fields: [{ field: 'transaction.statements.1.query' }] })
    expect(await row('select * from t')).toEqual([])
  })

  test.each(['do $$ begin commit; end $$', 'do $$ begin rollback; end $$'])(
    '%s is refused by the server',
    async (query) => {
      const error = await world.failure({
        transaction: { statements: [{ query: 'insert into t values (1)' }, { query }] },
      })
      expect(error).toMatchObject({ code: 'DB_QUERY_ERROR', details: { sql_state: '2D000', statement: 1 } })
      expect(await row('select * from t')).toEqual([])
    },
  )
})

describe('a job that is stopped', () => {
  test('cancels its query on the server, and has kept nothing', async () => {
    const controller = new AbortController()
    const reason = new Error('stop')
    const statements = [{ query: 'insert into t values (1)' }, { query: 'select pg_sleep(30)' }]
    const run = world.failure({ transaction: { statements } }, { signal: controller.signal })
    const sleeping = async () => (await other`select 1 from pg_stat_activity where wait_event = 'PgSleep'`).length > 0
    while (!(await sleeping())) await other`select 1`
    const from = performance.now()
    controller.abort(reason)
    expect(await run).toMatchObject({ unsent: true, cause: reason })
    expect(performance.now() - from).toBeLessThan(400)
    expect(await sleeping()).toBe(false)
    expect(await row('select * from t')).toEqual([])
  })

  test('that runs out of time by the server alone is TIMEOUT', async () => {
    const error = await world.failure({ query: 'select pg_sleep(30)' }, { timeLeftMs: () => 0 })
    expect(error).toMatchObject({ code: 'TIMEOUT', unsent: true })
  })

  test('before it began, sends nothing', async () => {
    const signal = AbortSignal.abort(new Error('stop'))
    expect(await world.failure({ query: 'insert into t values (1)' }, { signal })).toMatchObject({ unsent: true })
    expect(await row('select * from t')).toEqual([])
  })

  test('a limit that the statement set itself is its own fault', async () => {
    const statements = [{ query: "set local statement_timeout = '50ms'" }, { query: 'select pg_sleep(30)' }]
    const error = await world.failure({ transaction: { statements } })
    expect(error).toMatchObject({
      code: 'DB_QUERY_ERROR',
      retry: 'never',
      details: { sql_state: '57014', statement: 1 },
    })
  })
})

test('a connection that died while it was idle costs nothing', async () => {
  for (let round = 0; round < 5; round++) {
    await world.run({ query: 'select 1' })
    await other`select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'beamline%'`
    expect(await world.run({ query: 'insert into t values (1) returning a' })).toMatchObject({ row_count: 1 })
  }
  await other`truncate t`
})

test('a connection that dies in the middle is DB_CONNECTION_ERROR, and nothing was kept', async () => {
  const statements = [
    { query: 'insert into t values (1)' },
    { query: 'select pg_terminate_backend(pg_backend_pid())' },
    { query: 'insert into t values (2)' },
  ]
  const error = await world.failure({ transaction: { statements } })
  expect(error).toMatchObject({ code: 'DB_CONNECTION_ERROR', unsent: true, retry: 'backoff' })
  expect(await row('select * from t')).toEqual([])
})
