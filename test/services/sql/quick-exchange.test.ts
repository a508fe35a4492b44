/** Queries with the whole transaction around them in one exchange, on a real server. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { systemClock } from '../../../src/lib/clock.ts'
import { parseDsn } from '../../../src/lib/postgres-dsn.ts'
import { Backends } from '../../../src/services/sql/backends.ts'
import type { Connection } from '../../../src/services/sql/connection.ts'
import type { Reply } from '../../../src/services/sql/driver-reply.ts'
import { literal } from '../../../src/services/sql/driver-text.ts'
import { SessionMoved } from '../../../src/services/sql/quick-exchange.ts'
import { ConnectionLost } from '../../../src/services/sql/server-error.ts'
import { eventually } from '../../support/eventually.ts'
import { type Postgres, startPostgres } from '../../support/postgres.ts'
import { never, observer } from './databases-world.ts'

let server: Postgres
let other: ReturnType<typeof observer>
beforeAll(async () => {
  server = await startPostgres()
  other = observer(server)
  await other`create table kv (id int primary key, v text)`
  await other`insert into kv select g, 'value ' || g from generate_series(1, 9) g`
}, 60_000)
afterAll(async () => {
  await other.end()
  await server[Symbol.asyncDispose]()
})

async function open(): Promise<Connection> {
  const target = { dsn: parseDsn(server.url, 'named'), addresses: async () => ['127.0.0.1'], timeoutMs: 5000 }
  return new Backends({ target, clock: systemClock, log: { warn: () => undefined } }).open(never, true)
}

const begin = literal('BEGIN READ ONLY')
const byKey = 'select id, v from kv where id = $1'

function run({ quick }: Connection, text: string, param: string | null, signal = never): Promise<Reply> {
  if (quick === undefined) throw new Error('it is not one for quick exchanges')
  return quick.run({ begin, limitMs: 60_000, text, params: [param] }, signal)
}

/** What a text of ours finds in the session, outside a transaction. */
async function found(connection: Connection, text: string): Promise<string | null | undefined> {
  return (await connection.control(text, never))[0]?.rows[0]?.[0]
}

test('a query gives its rows each time, in a transaction that reads only and has limits, and nothing is left of that', async () => {
  await using connection = await open()
  const shown = ['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout', 'transaction_read_only']
  const asked = `select ${shown.map((name) => `current_setting('${name}')`).join(', ')} where $1::text is not null`
  for (const _turn of ['first', 'second', 'third']) {
    expect((await run(connection, byKey, '7')).rows).toEqual([['7', 'value 7']])
    expect((await run(connection, byKey, null)).rows).toEqual([])
    expect((await run(connection, asked, '')).rows).toEqual([['1min', '1min', '1min', 'on']])
  }
  expect(await found(connection, "select current_setting('statement_timeout')")).toBe('0')
  expect(await found(connection, 'select now() = statement_timestamp()')).toBe('t')
  expect(await found(connection, 'select count(*) from pg_prepared_statements where not from_sql')).toBe('5')
})

test('statements have names only once, and a session with many of them is worn', async () => {
  await using connection = await open()
  for (let index = 0; index < 256; index++) await run(connection, `select ${index} where $1::int = 1`, '1')
  await run(connection, 'select 5 where $1::int = 1', '1')
  expect(connection.quick?.isWorn).toBe(false)
  await run(connection, 'select 256 where $1::int = 1', '1')
  expect(connection.quick?.isWorn).toBe(true)
})

describe('an error', () => {
  test('of a value leaves the connection as it was', async () => {
    await using connection = await open()
    await run(connection, byKey, '1')
    await expect(run(connection, byKey, '1.5')).rejects.toMatchObject({ sqlState: '22P02' })
    expect(connection.isSound).toBe(true)
    expect(await found(connection, 'select now() = statement_timestamp()')).toBe('t')
    expect((await run(connection, byKey, '2')).rows).toEqual([['2', 'value 2']])
  })

  test('of a table that is not the same any more ends it', async () => {
    await other`create table changing (id int, v int)`
    await using connection = await open()
    const text = 'select * from changing where id = $1'
    await run(connection, text, '1')
    await other`alter table changing alter v type text`
    await expect(run(connection, text, '1')).rejects.toMatchObject({ sqlState: '0A000' })
    expect(connection.isSound).toBe(false)
  })

  test('of statements that are gone ends it', async () => {
    await using connection = await open()
    await run(connection, byKey, '1')
    await connection.control('DEALLOCATE ALL', never)
    await expect(run(connection, byKey, '1')).rejects.toMatchObject({ sqlState: '26000' })
    expect(connection.isSound).toBe(false)
  })

  test('of the first use ends it, for the driver keeps what it could not prepare', async () => {
    await using connection = await open()
    await expect(run(connection, 'select nothing from kv where id = $1', '1')).rejects.toMatchObject({
      sqlState: '42703',
    })
    expect(connection.isSound).toBe(false)
  })

  test('of a session that is not its own ends it', async () => {
    await using connection = await open()
    await run(connection, byKey, '1')
    await connection.control("SET beamline.session = 'of somebody else'", never)
    await expect(run(connection, byKey, '1')).rejects.toBeInstanceOf(SessionMoved)
    expect(connection.isSound).toBe(false)
  })

  test('of a write says that only reading is allowed', async () => {
    await using connection = await open()
    const text = 'insert into kv values (100, $1)'
    await expect(run(connection, text, 'x')).rejects.toMatchObject({ sqlState: '25006' })
  })
})

describe('a table that is not the one', () => {
  const byName = 'select v from named where id = $1'
  async function oidOf(name: string): Promise<string> {
    const [row] = await other`select to_regclass(${name})::oid::text as oid`
    return String(row?.['oid'])
  }

  async function ask({ quick }: Connection, oid: string): Promise<Reply | undefined> {
    const table = { name: 'named', oid }
    return quick?.run({ begin, limitMs: 60_000, text: byName, params: ['1'], table }, never)
  }

  test('because there is another in front of it ends the connection', async () => {
    await other.unsafe(`create schema front; create table named as select 1 as id, 'old' as v`)
    await using first = await open()
    await using second = await open()
    const old = await oidOf('named')
    for (const connection of [first, second]) {
      await connection.control('SET search_path = front, public', never)
      expect((await ask(connection, old))?.rows).toEqual([['old']])
    }
    await other.unsafe(`create table front.named as select 1 as id, 'new' as v`)
    await expect(ask(first, old)).rejects.toThrow('has changed')
    expect(first.isSound).toBe(false)
    // What it has prepared reads the old one.
    await expect(ask(second, await oidOf('front.named'))).rejects.toBeInstanceOf(ConnectionLost)
    expect(second.isSound).toBe(false)
  })
})

describe('stopping', () => {
  const active = async (): Promise<number> => {
    const rows = await other`select 1 from pg_stat_activity where state = 'active' and application_name <> 'observer'`
    return rows.length
  }

  test.each([true, false])('cancels on the server what waits there (known before: %p)', async (isKnown) => {
    await using connection = await open()
    if (isKnown) await run(connection, byKey, '1')
    const stop = new AbortController()
    await other.begin(async (holder) => {
      await holder`lock table kv`
      const ending = run(connection, byKey, '1', stop.signal).catch((thrown: unknown) => thrown)
      await eventually(async () => (await holder`select 1 from pg_locks where not granted`).length === 1)
      const from = performance.now()
      stop.abort(new Error('enough'))
      expect(await ending).toEqual(new Error('enough'))
      expect(performance.now() - from).toBeLessThan(600)
      await eventually(async () => (await holder`select 1 from pg_locks where not granted`).length === 0)
    })
    await eventually(async () => (await active()) === 0)
    expect(connection.isSound).toBe(isKnown)
    if (isKnown) expect((await run(connection, byKey, '3')).rows).toEqual([['3', 'value 3']])
  })

  test('a connection that is lost is said to be', async () => {
    await using connection = await open()
    await run(connection, byKey, '1')
    const pid = Number(await found(connection, 'select pg_backend_pid()'))
    await other.begin(async (holder) => {
      await holder`lock table kv`
      const ending = run(connection, byKey, '1').catch((thrown: unknown) => thrown)
      await eventually(async () => (await holder`select 1 from pg_locks where not granted`).length === 1)
      await holder`select pg_terminate_backend(${pid})`
      expect(await ending).toBeInstanceOf(ConnectionLost)
    })
    expect(connection.isSound).toBe(false)
    await expect(run(connection, byKey, '1')).rejects.toBeInstanceOf(ConnectionLost)
  })

  test('before anything is sent sends nothing', async () => {
    await using connection = await open()
    await expect(run(connection, byKey, '1', AbortSignal.abort(new Error('no')))).rejects.toThrow('no')
    expect(connection.isSound).toBe(true)
  })
})
