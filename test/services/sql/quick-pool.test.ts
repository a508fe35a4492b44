/** Two kinds of connections in one pool: those for quick exchanges, and all others. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { type Clock, systemClock } from '../../../src/lib/clock.ts'
import { builtinTypes } from '../../../src/services/sql/builtin-types.ts'
import type { Lease } from '../../../src/services/sql/databases.ts'
import { literal } from '../../../src/services/sql/driver-text.ts'
import { unknownType } from '../../../src/services/sql/type-info.ts'
import { eventually } from '../../support/eventually.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { type Postgres, startPostgres } from '../../support/postgres.ts'
import { type DatabasesWorld, never, observer, openWorld, sessions } from './databases-world.ts'

let server: Postgres
let watch: ReturnType<typeof observer>
beforeAll(async () => {
  server = await startPostgres()
  watch = observer(server)
  await watch`create table kv (id int primary key, v text)`
}, 60_000)
afterAll(async () => {
  await watch.end()
  await server[Symbol.asyncDispose]()
})

const byKey = 'select v from kv where id = $1'
const int = 23
const text = 25

function lease({ databases }: DatabasesWorld, tenantId: string, quickly?: string): Promise<Lease> {
  return databases.resolve({}, tenantId).lease(tenantId, never, quickly)
}

/** Databases of which the first pool knows the query. */
async function knowing(size: number, clock: Clock = systemClock): Promise<DatabasesWorld> {
  const world = await openWorld({ env: { DATABASE_URL: server.url, SQL_POOL_SIZE: String(size) }, clock })
  await using held = await lease(world, 't1', byKey)
  expect(held.connection.quick).toBeUndefined()
  const { queries } = held.catalog
  expect(await queries.touchesNothing(byKey, held.connection, never)).toBe(true)
  queries.learn(byKey, [builtinTypes.get(int) ?? unknownType], [text])
  return world
}

/** Of a connection that is lent for a moment: what a text of ours finds there, or what it is. */
async function found(
  world: DatabasesWorld,
  tenantId: string,
  quickly: string | undefined,
  ask: string,
): Promise<string | null> {
  await using held = await lease(world, tenantId, quickly)
  return (await held.connection.control(ask, never)).at(-1)?.rows[0]?.[0] ?? null
}

async function isQuick(world: DatabasesWorld, quickly?: string): Promise<boolean> {
  await using held = await lease(world, 't1', quickly)
  return held.connection.quick !== undefined
}

const pid = 'select pg_backend_pid()'

test('a query that is known gets one for quick exchanges, another text never does', async () => {
  await using world = await knowing(2)
  for (const _turn of [1, 2]) {
    expect(await isQuick(world, byKey)).toBe(true)
    expect(await isQuick(world)).toBe(false)
    expect(await isQuick(world, 'select id from kv where v = $1')).toBe(false)
  }
  expect(world.counts()).toEqual({ busy: 0, idle: 2, waiting: 0 })
})

test('there are never more of both than the pool holds: one that rests makes room for another kind', async () => {
  await using world = await knowing(1)
  // There is one for other statements, which serves for quick ones too until it is worth to have the other kind.
  for (let turn = 0; turn < 199; turn++) expect(await isQuick(world, byKey)).toBe(false)
  expect(await isQuick(world, byKey)).toBe(true)
  expect(world.counts()).toEqual({ busy: 0, idle: 1, waiting: 0 })
  await eventually(async () => (await sessions(watch)) === 1)
  expect(await isQuick(world)).toBe(false)
  expect(await isQuick(world, byKey)).toBe(false)
  await eventually(async () => (await sessions(watch)) === 1)
})

describe('another tenant gets a session', () => {
  test('in which nothing is left', async () => {
    await using world = await knowing(2)
    const leave = 'SET app.kept = 1; SELECT pg_advisory_lock(5); CREATE TEMP TABLE z (); LISTEN left_over;'
    const first = await found(world, 't1', byKey, `${leave} ${pid}`)
    const look = `SELECT concat(current_setting('app.kept', true), to_regclass('z'), (SELECT pg_listening_channels()),
      (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'))`
    expect(await found(world, 't2', byKey, look)).toBe('0')
    expect(await found(world, 't2', byKey, pid)).toBe(first)
  })

  test('unless somebody has prepared statements there', async () => {
    await using world = await knowing(2)
    const first = await found(world, 't1', byKey, `DEALLOCATE ALL; PREPARE "P0" AS SELECT 666; ${pid}`)
    expect(await found(world, 't2', byKey, pid)).not.toBe(first)
    expect(await found(world, 't2', byKey, 'SELECT count(*) FROM pg_prepared_statements')).toBe('0')
  })
})

test('after exchanges have lost their statements there are none for a minute', async () => {
  const clock = new FakeClock()
  await using world = await knowing(2, clock)
  const held = await lease(world, 't1', byKey)
  held.stopQuick()
  await held[Symbol.asyncDispose]()
  await clock.advance(59_999)
  expect(await isQuick(world, byKey)).toBe(false)
  await clock.advance(1)
  expect(await isQuick(world, byKey)).toBe(true)
})

test('with many statements it is replaced', async () => {
  await using world = await knowing(2)
  const begin = literal('BEGIN')
  const first = await found(world, 't1', byKey, pid)
  await using held = await lease(world, 't1', byKey)
  for (let index = 0; index <= 256; index++) {
    await held.connection.quick?.run(
      { begin, limitMs: 9000, text: `select ${index} where $1::int = 1`, params: ['1'] },
      never,
    )
  }
  await held[Symbol.asyncDispose]()
  expect(await found(world, 't1', byKey, pid)).not.toBe(first)
})

test('when a table has changed of which something was known, all of them are replaced', async () => {
  await watch`create table changing (id int)`
  await using world = await knowing(3)
  const first = await found(world, 't1', byKey, pid)
  expect(await found(world, 't1', byKey, pid)).toBe(first)
  const other = 'select id from changing where id = $1'
  {
    await using held = await lease(world, 't1')
    const { queries } = held.catalog
    await queries.touchesNothing(other, held.connection, never)
    queries.learn(other, [builtinTypes.get(int) ?? unknownType], [int])
    const query = queries.find(other)
    await watch`alter table changing add more int`
    expect(query && (await queries.isStillSo(query, held.connection, never))).toBe(false)
  }
  expect(await found(world, 't1', byKey, pid)).not.toBe(first)
})
