import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { systemClock } from '../../../src/lib/clock.ts'
import { parseDsn } from '../../../src/lib/postgres-dsn.ts'
import type { Connection } from '../../../src/services/sql/connection.ts'
import { openConnection } from '../../../src/services/sql/dial.ts'
import { ConnectionLost, ServerError } from '../../../src/services/sql/server-error.ts'
import { eventually } from '../../support/eventually.ts'
import { type Postgres, startPostgres } from '../../support/postgres.ts'
import { never, observer } from './databases-world.ts'

let server: Postgres
let watch: ReturnType<typeof observer>
beforeAll(async () => {
  server = await startPostgres()
  watch = observer(server)
}, 60_000)
afterAll(async () => {
  await watch.end()
  await server[Symbol.asyncDispose]()
})

async function open(query = ''): Promise<Connection> {
  const target = {
    dsn: parseDsn(`${server.url}${query}`, 'named'),
    addresses: async () => ['127.0.0.1'],
    timeoutMs: 5000,
  }
  return openConnection(target, systemClock, never)
}

async function one(connection: Connection, text: string): Promise<unknown> {
  return (await connection.statement(text, [], never)).rows[0]?.[0]
}

async function thrownBy(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  )
}

describe('answers', () => {
  test('are the text of the values, with what the server says of them', async () => {
    await using connection = await open()
    const text = "select $1::int as n, null as nothing, '' as empty, $2::text as \"é\", now() > '2000-01-01' as n"
    const reply = await connection.statement(text, ['41', 'ü'], never)
    expect(reply.rows).toEqual([['41', null, '', 'ü', 't']])
    expect(reply.columns).toEqual([
      { name: 'n', type: 23 },
      { name: 'nothing', type: 25 },
      { name: 'empty', type: 25 },
      { name: 'é', type: 25 },
      { name: 'n', type: 16 },
    ])
    expect([reply.command, reply.affected, reply.bytes]).toEqual(['SELECT', 1, 5])
  })

  test('say how many rows a statement met', async () => {
    await using connection = await open()
    await connection.control('create temp table t (i int)')
    const said = async (text: string) => {
      const { command, affected, rows } = await connection.statement(text, [], never)
      return [command, affected, rows.length]
    }
    expect(await said('insert into t select generate_series(1, 5)')).toEqual(['INSERT', 5, 0])
    expect(await said('update t set i = 0 where i < 3 returning i')).toEqual(['UPDATE', 2, 2])
    expect(await said('delete from t')).toEqual(['DELETE', 5, 0])
    expect(await said('create table if not exists pg_temp.t2 ()')).toEqual(['CREATE TABLE', 0, 0])
    expect(await said('')).toEqual(['', 0, 0])
  })

  test('come one for each of our own statements', async () => {
    await using connection = await open()
    const replies = await connection.control("begin; select 1, null; set local datestyle = 'SQL'; select 2; commit")
    expect(replies.map(({ command }) => command)).toEqual(['BEGIN', 'SELECT', 'SET', 'SELECT', 'COMMIT'])
    expect(replies.map(({ rows }) => rows)).toEqual([[], [['1', null]], [], [['2']], []])
    expect(await connection.control('select 3')).toMatchObject([{ rows: [['3']], columns: [{ type: 23 }] }])
  })

  test('are written as the decoders expect them, whatever the database is set to', async () => {
    await watch`alter role postgres set datestyle = 'German'`
    await watch`alter role postgres set bytea_output = 'escape'`
    await watch`alter role postgres set intervalstyle = 'postgres_verbose'`
    await using connection = await open('?options=-c%20search_path%3Dapp%20-c%20bytea_output%3Descape')
    const query = "select date '2020-02-01', '\\x00ff'::bytea, interval '1 day 2 hours', current_setting('search_path')"
    expect((await connection.statement(query, [], never)).rows).toEqual([['2020-02-01', '\\x00ff', 'P1DT2H', 'app']])
    await connection.control("set datestyle = 'German'; set bytea_output = 'escape'; reset all")
    expect((await connection.statement(query, [], never)).rows).toEqual([['2020-02-01', '\\x00ff', 'P1DT2H', 'app']])
    await watch`alter role postgres reset all`
  })
})

describe('statements', () => {
  test('are one: several in one text are refused, with parameters and without', async () => {
    await using connection = await open()
    for (const params of [[], ['1']]) {
      const text = `select ${params.length === 0 ? '1' : '$1::int'}; drop table if exists x`
      expect(await thrownBy(connection.statement(text, params, never))).toMatchObject({ sqlState: '42601' })
    }
    expect([connection.isSound, await one(connection, 'select 1')]).toEqual([true, '1'])
  })

  test('take JSON as that JSON, whatever it is', async () => {
    await using connection = await open()
    // PostgreSQL holds no NUL in a text.
    const value = fc
      .jsonValue()
      .filter((json) => !JSON.stringify(json).includes('\\u0000') && !JSON.stringify(json).includes('\\ud'))
    await fc.assert(
      fc.asyncProperty(value, async (json) => {
        const text = 'select $1::jsonb::text, $2::json::text'
        const { rows } = await connection.statement(text, [{ json }, { json }], never)
        const expected = JSON.parse(JSON.stringify(json))
        expect(rows[0]?.map((each) => JSON.parse(each ?? ''))).toEqual([expected, expected])
      }),
    )
  })

  test('fail with what the server says', async () => {
    await using connection = await open()
    await connection.control('create temp table t (i int constraint positive check (i > 0))')
    const check = await thrownBy(connection.statement('insert into t values ($1::int)', ['-1'], never))
    expect(check).toBeInstanceOf(ServerError)
    expect(check).toMatchObject({ sqlState: '23514', constraint: 'positive', table: 't' })
    const syntax = await thrownBy(connection.statement('select 1 frmo x', [], never))
    expect(syntax).toMatchObject({ sqlState: '42601', position: 15 })
    const copy = await thrownBy(connection.statement('copy t to stdout', [], never))
    expect(copy).toMatchObject({ sqlState: '0A000' })
    const many = Array.from({ length: 70_000 }, () => '1')
    expect(await thrownBy(connection.statement('select 1', many, never))).toMatchObject({ sqlState: '54023' })
    expect([connection.isSound, await one(connection, 'select 1')]).toEqual([true, '1'])
  })
})

describe('a connection', () => {
  test('obeys a signal: the query ends on the server, and the next one is unharmed', async () => {
    await using connection = await open()
    const reason = new Error('enough')
    for (const run of [
      (signal: AbortSignal) => connection.statement('select pg_sleep(30)', [], signal),
      (signal: AbortSignal) => connection.statement('select pg_sleep($1::int)', ['30'], signal),
      (signal: AbortSignal) => connection.control('select 1; select pg_sleep(30)', signal),
    ]) {
      const control = new AbortController()
      const query = thrownBy(run(control.signal))
      const sleeping = async () => (await watch`select 1 from pg_stat_activity where wait_event = 'PgSleep'`).length
      await eventually(async () => (await sleeping()) === 1)
      control.abort(reason)
      expect(await query).toBe(reason)
      expect([connection.isSound, await sleeping()]).toEqual([true, 0])
      expect(await one(connection, 'select 1')).toBe('1')
    }
  })

  test('runs nothing under a signal that has aborted', async () => {
    await using connection = await open()
    const reason = new Error('too late')
    const signal = AbortSignal.abort(reason)
    expect(await thrownBy(connection.statement('create table never_made ()', [], signal))).toBe(reason)
    expect(await thrownBy(connection.control('create table never_made ()', signal))).toBe(reason)
    expect(await one(connection, "select to_regclass('never_made')")).toBeNull()
  })

  test('is given up when its server does not obey in time', async () => {
    await using connection = await open()
    const pid = Number(await one(connection, 'select pg_backend_pid()'))
    const control = new AbortController()
    const query = thrownBy(connection.statement('select pg_sleep(30)', [], control.signal))
    await eventually(
      async () => (await watch`select 1 from pg_stat_activity where wait_event = 'PgSleep'`).length === 1,
    )
    process.kill(pid, 'SIGSTOP')
    try {
      const start = systemClock.monotonic()
      control.abort(new Error('enough'))
      expect(await query).toMatchObject({ message: 'enough' })
      expect(systemClock.monotonic() - start).toBeLessThan(700)
      expect(connection.isSound).toBe(false)
      expect(await thrownBy(connection.statement('select 1', [], never))).toBeInstanceOf(ConnectionLost)
    } finally {
      process.kill(pid, 'SIGCONT')
    }
    await eventually(async () => (await watch`select 1 from pg_stat_activity where pid = ${pid}`).length === 0)
  })

  test('that the server ends is not sound any more, busy or idle', async () => {
    await using busy = await open()
    await using idle = await open()
    const pids = await Promise.all([busy, idle].map((each) => one(each, 'select pg_backend_pid()')))
    const query = thrownBy(busy.statement('select pg_sleep(30)', [], never))
    await eventually(
      async () => (await watch`select 1 from pg_stat_activity where wait_event = 'PgSleep'`).length === 1,
    )
    for (const pid of pids) await watch`select pg_terminate_backend(${Number(pid)})`
    expect(await query).toMatchObject({ name: 'ConnectionLost', loss: 'lost' })
    await eventually(() => !idle.isSound)
    expect(busy.isSound).toBe(false)
    expect(await thrownBy(idle.control('select 1'))).toMatchObject({ name: 'ConnectionLost', loss: 'lost' })
  })

  test('ends at once, and what runs on it with it', async () => {
    const connection = await open()
    const query = thrownBy(connection.statement('select pg_sleep(30)', [], never))
    await connection[Symbol.asyncDispose]()
    expect(await query).toBeInstanceOf(ConnectionLost)
    expect(connection.isSound).toBe(false)
    connection.discard()
    await connection[Symbol.asyncDispose]()
  })
})
