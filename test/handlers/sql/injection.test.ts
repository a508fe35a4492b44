/** Hostile texts in every field of a job: they are values or they are refused, and nothing else happens. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { JobError } from '../../../src/errors.ts'
import { openSqlWorld, type SqlWorld } from './sql-world.ts'

let world: SqlWorld
beforeAll(async () => {
  world = await openSqlWorld()
  await world.other`create table victim (id int primary key, name text, data jsonb, tags text[], raw bytea)`
  await world.other`insert into victim values (1, 'safe', '{}', '{}', '')`
}, 30_000)
afterAll(() => world[Symbol.asyncDispose]())

const hostile = [
  "'; drop table victim; --",
  '1; delete from victim',
  "' or '1'='1",
  "\\'; drop table victim; --",
  '$$; drop table victim; $$',
  '$1',
  '"; drop table victim; --',
  "x') on conflict do nothing; drop table victim; --",
  '*/ drop table victim; /*',
  "E'\\'; drop table victim; --'",
  '{"$ref":"results"}',
  '{1,2}; drop table victim',
  'beamline; commit; drop table victim',
  '\n; commit; drop table victim; --',
  '5000; drop table victim',
  'serializable; drop table victim',
  '%s%n%x',
  '#{process.exit(1)}',
]

async function unharmed(): Promise<void> {
  expect([...(await world.other`select id, name from victim`)]).toEqual([{ id: 1, name: 'safe' }])
}

describe.each(hostile)('%j', (text) => {
  test('as a value is that value', async () => {
    const query = 'select $1::text as t, $2::jsonb as j, $3::text[] as a, $4::varchar as v'
    const row = { t: text, j: { [text]: [text] }, a: [text, null], v: text }
    expect((await world.run({ query, args: [text, row.j, row.a, text] }))['rows']).toEqual([row])
    const statements = [
      { query: 'select $1::text as t', args: [text] },
      { query: 'select $1::text as t', args: [{ $ref: 'results[0].rows[0].t' }] },
    ]
    const { results } = await world.run({ transaction: { statements } })
    expect(results).toMatchObject([{ rows: [{ t: text }] }, { rows: [{ t: text }] }])
    expect(await world.run({ query: 'select 1 from victim where name = $1', args: [text] })).toMatchObject({ rows: [] })
    await unharmed()
  })

  test('as a value of another type is refused', async () => {
    for (const type of ['int', 'bool', 'date', 'uuid', 'numeric', 'bytea', 'int[]', 'interval', 'oid', 'regclass']) {
      const outcome = await world
        .run({ query: `select $1::${type} as it`, args: [text] })
        .catch((error: unknown) => error)
      if (outcome instanceof JobError)
        expect(['DB_QUERY_ERROR', 'INVALID_INPUT', 'BASE64_DECODE_ERROR']).toContain(outcome.code)
    }
    await unharmed()
  })

  test('in every other field is refused or does nothing', async () => {
    const usual = { query: 'select 1' }
    const statements = [usual]
    for (const payload of [
      { ...usual, isolation: text },
      { ...usual, format: text },
      { ...usual, on_limit: text },
      { ...usual, max_rows: text },
      { ...usual, timeout_ms: text },
      { ...usual, read_only: text },
      { ...usual, columns: text },
      { ...usual, idempotent: text },
      { ...usual, connection: text },
      { ...usual, connection_string: text },
      { ...usual, args: text },
      { transaction: { statements, isolation: text } },
      { transaction: { statements: [{ ...usual, expect_rows: text }] } },
      { transaction: { statements: [{ query: 'select $1::text', args: [{ $ref: text }] }] } },
    ]) {
      await expect(world.run(payload)).rejects.toThrow()
    }
    await unharmed()
  })

  test('as an id of the job or its tenant is a value too', async () => {
    const ids = { tenantId: text, assignmentId: text }
    const job = { query: 'select 1 as one', idempotent: true }
    const first = await world.run(job, ids)
    expect(await world.run(job, ids)).toEqual(first)
    const rows = await world.other`select count(*)::int as n from beamline_effects where tenant_id = ${text}`
    expect([...rows]).toEqual([{ n: 1 }])
    await unharmed()
  })

  test('behind a query is no second statement', async () => {
    for (const query of [
      `select 1; ${text}`,
      `select 1 ${text}`,
      `select '${text}`,
      `delete from victim where false; ${text}`,
    ]) {
      await world.run({ query }).catch(() => undefined)
    }
    await unharmed()
  })
})

test('names of columns are names only', async () => {
  const name = `a"b'c; drop table victim; --`
  const query = `select 1 as "${name.replaceAll('"', '""')}"`
  expect((await world.run({ query }))['rows']).toEqual([{ [name]: 1 }])
  expect(await world.run({ query: 'select 1 as "__proto__", 2 as "constructor", 3 as "toString"' })).toMatchObject({
    rows: [{ constructor: 2, toString: 3 }],
  })
})
