/** What only reads does not write, whatever a statement tries: the server sees to it. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { openSqlWorld, type SqlWorld } from './sql-world.ts'

let world: SqlWorld
beforeAll(async () => {
  world = await openSqlWorld()
  const { other } = world
  await other`create table t (a int)`
  await other`create sequence s`
  await other`create function writes() returns int language plpgsql as $$ begin insert into t values (1); return 1; end $$`
  await other`create function turns_off() returns int language plpgsql as $$
    begin perform set_config('transaction_read_only', 'off', true); insert into t values (1); return 1; end $$`
  await other`create function sets() returns int language plpgsql as $$
    begin set transaction read write; insert into t values (1); return 1; end $$`
  await other`create procedure commits() language plpgsql as $$ begin commit; insert into t values (1); end $$`
}, 30_000)
afterAll(() => world[Symbol.asyncDispose]())

const ways = [
  'insert into t values (1)',
  'update t set a = 1',
  'delete from t',
  'merge into t using (select 1) s on false when not matched then insert values (1)',
  'with x as (insert into t values (1) returning a) select a from x',
  'select writes()',
  'select turns_off()',
  'select sets()',
  'do $$ begin insert into t values (1); end $$',
  'do $$ begin set transaction read write; insert into t values (1); end $$',
  "do $$ begin perform set_config('transaction_read_only', 'off', false); insert into t values (1); end $$",
  "do $$ begin execute 'set transaction_read_only = off'; insert into t values (1); end $$",
  'do $$ begin commit; insert into t values (1); end $$',
  'do $$ begin rollback; end $$',
  'call commits()',
  "select nextval('s')",
  "select setval('s', 7)",
  "select lo_from_bytea(0, 'x')",
  'create table u as select 1',
  'select 1 as a into u',
  'create temp table u (a int)',
  'truncate t',
  'drop table t',
  'alter table t add column b int',
  'create index on t (a)',
  'grant select on t to public',
  'comment on table t is $$x$$',
  'set transaction_read_only = off',
  'set local transaction_read_only = off',
  'reset transaction_read_only',
  "select set_config('transaction_read_only', 'off', false)",
  "select set_config('transaction_read_only', 'off', true)",
  'explain analyze insert into t values (1)',
  'select * from t for update',
  'refresh materialized view t',
  "copy t from program 'echo 1'",
  'set transaction read write',
  'begin',
  'commit',
]

describe.each([['by the job'], ['by SQL_READ_ONLY']])('%s', (how) => {
  let reader: SqlWorld
  beforeAll(async () => {
    reader = await openSqlWorld({ server: world.server, env: how === 'by the job' ? {} : { SQL_READ_ONLY: 'true' } })
  }, 30_000)
  afterAll(() => reader[Symbol.asyncDispose]())
  const asked = how === 'by the job' ? { read_only: true } : {}

  test.each(ways)('%s is refused', async (query) => {
    const error = await reader.failure({ query, ...asked })
    expect(['PERMISSION_DENIED', 'DB_QUERY_ERROR', 'INVALID_INPUT']).toContain(error.code)
    expect(error.retry).toBe('never')
  })

  test('none of them has left anything, alone or before a write in the same transaction', async () => {
    for (const query of ways) {
      const statements = [{ query }, { query: 'insert into t values (2)' }]
      await reader.failure({ transaction: { statements, ...asked } })
    }
    for (const query of [
      'set session characteristics as transaction read write',
      'set default_transaction_read_only = off',
    ]) {
      await reader.run({ query, ...asked }).catch(() => undefined)
      await reader.failure({ query: 'insert into t values (3)', ...asked })
    }
    expect([...(await world.other`select * from t`)]).toEqual([])
    expect([...(await world.other`select is_called from s`)]).toEqual([{ is_called: false }])
    expect([
      ...(await world.other`select to_regclass('u') as u, (select count(*)::int from pg_largeobject) as n`),
    ]).toEqual([{ u: null, n: 0 }])
  })

  test('a plain write is PERMISSION_DENIED, with the reason', async () => {
    const error = await reader.failure({ query: 'insert into t values (1)', ...asked })
    expect(error).toMatchObject({ code: 'PERMISSION_DENIED', details: { reason: 'read_only', sql_state: '25006' } })
  })

  test('reading is not refused, at any isolation', async () => {
    for (const isolation of ['read_committed', 'repeatable_read', 'serializable']) {
      expect(await reader.run({ query: 'select 1 as one', isolation, ...asked })).toMatchObject({ rows: [{ one: 1 }] })
    }
    const input = reader.handler.input.parse({ query: 'select 1', ...asked })
    expect(reader.handler.effect(input)).toBe('none')
  })
})

test('the effect of what may write', () => {
  const effect = (payload: object) => world.handler.effect(world.handler.input.parse({ query: 'select 1', ...payload }))
  expect(effect({})).toBe('once')
  expect(effect({ idempotent: true })).toBe('idempotent')
  expect(effect({ read_only: true })).toBe('none')
})
