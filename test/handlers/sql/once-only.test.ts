/** `idempotent`: the effect is had once, whoever delivers the job how often. */
import { afterAll, beforeEach, describe, expect, test } from 'bun:test'
import { eventually } from '../../support/eventually.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { openSqlWorld, type Wire } from './sql-world.ts'

const world = await openSqlWorld({ env: { SQL_POOL_SIZE: '20' } })
const { other, server } = world
afterAll(() => world[Symbol.asyncDispose]())
await other`create table t (a serial, b text)`

beforeEach(async () => {
  await other`drop table if exists beamline_effects`
  await other`truncate t restart identity`
})

const insert = { query: 'insert into t (b) values ($1) returning a, b', args: ['x'], idempotent: true }
const count = async () => (await other`select 1 from t`).length

test('a second delivery gets the first output, and does nothing', async () => {
  const first = await world.run(insert, { assignmentId: 'one' })
  expect(first).toEqual({ rows: [{ a: 1, b: 'x' }], row_count: 1, rows_affected: 1 })
  expect(await world.run(insert, { assignmentId: 'one' })).toEqual(first)
  expect(await world.run({ ...insert, args: ['other'] }, { assignmentId: 'one', attempt: 3 })).toEqual(first)
  expect(await count()).toBe(1)
})

test('other assignments and other tenants have effects of their own', async () => {
  await world.run(insert, { assignmentId: 'one' })
  await world.run(insert, { assignmentId: 'two' })
  await world.run(insert, { assignmentId: 'one', tenantId: 'other' })
  expect(await count()).toBe(3)
  const rows = await other`select tenant_id, assignment_id, created_at is not null as dated from beamline_effects`
  expect(rows).toBeArrayOfSize(3)
})

test('of many at the same moment one has the effect, and all give its output', async () => {
  const ids = Array.from({ length: 40 }, (_, index) => `id-${index % 4}`)
  const outputs = await Promise.all(ids.map((assignmentId) => world.run(insert, { assignmentId })))
  expect(await count()).toBe(4)
  const byId = Map.groupBy(outputs, (_, index) => ids[index])
  for (const [, same] of byId) expect(new Set(same.map((output) => JSON.stringify(output))).size).toBe(1)
})

test('a duplicate waits for the first, and runs when that has failed', async () => {
  const { idempotent: _, ...statement } = insert
  const slow = {
    transaction: { statements: [statement, { query: "select 1 / (case when pg_sleep(0.2)::text = '' then 0 end)" }] },
    idempotent: true,
  }
  const first = world.failure(slow, { assignmentId: 'one' })
  await eventually(async () => (await other`select 1 from pg_stat_activity where wait_event = 'PgSleep'`).length > 0)
  const second = world.run(insert, { assignmentId: 'one' })
  expect(await first).toMatchObject({ code: 'DB_QUERY_ERROR' })
  expect(await second).toMatchObject({ row_count: 1 })
  expect(await count()).toBe(1)
})

test('what failed leaves no record', async () => {
  await world.failure({ query: 'select 1/0', idempotent: true }, { assignmentId: 'one' })
  expect(await other`select 1 from beamline_effects`).toBeArrayOfSize(0)
  expect(await world.run(insert, { assignmentId: 'one' })).toMatchObject({ row_count: 1 })
})

test('at every isolation the second delivery is found, or repeated and found then', async () => {
  for (const isolation of ['read_committed', 'repeatable_read', 'serializable']) {
    const job = { ...insert, isolation }
    const runs = await Promise.allSettled(
      Array.from({ length: 8 }, () => world.run(job, { assignmentId: isolation, tenantId: 'acme' })),
    )
    const failures = runs.flatMap((run) => (run.status === 'rejected' ? [run.reason as Wire] : []))
    for (const failure of failures)
      expect(failure).toMatchObject({ code: 'DB_QUERY_ERROR', retry: 'backoff', unsent: true })
    expect(failures.length).toBeLessThan(8)
    expect(await world.run(job, { assignmentId: isolation })).toMatchObject({ row_count: 1 })
  }
  expect(await count()).toBe(3)
})

test('statements that change where names are looked up, or who the session is, change nothing about it', async () => {
  await other`create schema elsewhere`
  await other`create table elsewhere.beamline_effects (like t)`
  await other`create role nobody_much`
  const { idempotent: _, ...statement } = insert
  const statements = [statement, { query: 'set search_path = elsewhere' }, { query: 'set role nobody_much' }]
  for (let round = 0; round < 2; round++) {
    const output = await world.run({ transaction: { statements }, idempotent: true }, { assignmentId: 'one' })
    expect(output).toMatchObject({ results: [{ row_count: 1 }, {}, {}] })
  }
  expect(await count()).toBe(1)
  expect(await world.run({ query: 'select current_user as me, current_schema as here' })).toMatchObject({
    rows: [{ me: 'postgres', here: 'public' }],
  })
})

test('outputs come back as they were, whatever they hold', async () => {
  const query = `select 'a"\\é\u2028' as t, null as n, '{"k":[1,"\\u0041"]}'::jsonb as j, 9007199254740993 as b`
  const first = await world.run({ query, idempotent: true }, { assignmentId: 'one' })
  expect(await world.run({ query, idempotent: true }, { assignmentId: 'one' })).toEqual(first)
})

describe('the table', () => {
  test('is created by whoever comes first, many at once', async () => {
    const ids = Array.from({ length: 20 }, (_, index) => `id-${index}`)
    await Promise.all(ids.map((assignmentId) => world.run(insert, { assignmentId })))
    expect(await count()).toBe(20)
  })

  test('that may not be created, or used, says what is needed', async () => {
    await other`create role poor login`
    const { host } = new URL(server.url)
    const job = { ...insert, connection_string: `postgres://poor@${host}/postgres` }
    await other`grant insert, select on t to poor`
    await other`grant usage on sequence t_a_seq to poor`
    const details = { reason: 'effects_table', table: 'beamline_effects', sql_state: '42501' }
    const notCreated = await world.failure(job)
    expect(notCreated).toMatchObject({ code: 'PERMISSION_DENIED', details, unsent: true })
    expect(notCreated.details?.['needs']).toMatch(/^CREATE /)
    await world.run(insert)
    expect((await world.failure(job)).details?.['needs']).toMatch(/^SELECT, INSERT/)
    await other`grant select, insert, update, delete on beamline_effects to poor`
    expect(await world.run(job)).toMatchObject({ row_count: 1 })
  })

  test('loses what is older than 30 days, now and then', async () => {
    const clock = new FakeClock()
    await using swept = await openSqlWorld({ server, clock })
    await swept.run(insert, { assignmentId: 'zero' })
    await other`insert into beamline_effects select 't', g::text, '{}', now() - interval '31 days' from generate_series(1, 1500) g`
    await other`insert into beamline_effects values ('t', 'young', '{}', now() - interval '29 days')`
    const left = async () => (await other`select 1 from beamline_effects`).length
    await swept.run(insert, { assignmentId: 'one' })
    expect(await left()).toBe(1503)
    await clock.advance(600_000)
    await swept.run(insert, { assignmentId: 'two' })
    await eventually(async () => (await left()) === 504)
    await clock.advance(1000)
    await swept.run(insert, { assignmentId: 'three' })
    await eventually(async () => (await left()) === 5)
    expect(await world.run(insert, { assignmentId: 'young', tenantId: 't' })).toEqual({})
  })
})

test('a record that is not whole is an error, not a second effect', async () => {
  await world.run(insert, { assignmentId: 'one' })
  await other`update beamline_effects set output = null`
  expect(await world.failure(insert, { assignmentId: 'one' })).toMatchObject({ code: 'DATA_CORRUPT' })
  const { idempotent: _, ...statement } = insert
  const statements = [statement, { query: 'delete from beamline_effects' }]
  const gone = await world.failure({ transaction: { statements }, idempotent: true }, { assignmentId: 'two' })
  expect(gone).toMatchObject({ code: 'DATA_CORRUPT', unsent: true })
  expect(await count()).toBe(1)
})
