/** What is learned of types and statements from a real server, whatever its users have made of it. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test'
import { builtinTypes } from '../../../src/services/sql/builtin-types.ts'
import { openCatalog } from '../../../src/services/sql/catalog.ts'
import type { Connection } from '../../../src/services/sql/connection.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { type Postgres, startPostgres } from '../../support/postgres.ts'
import { never, openTypeSession, type TypeSession } from './type-session.ts'

let postgres: Postgres
let session: TypeSession
let connection: Connection
const clock = new FakeClock()

beforeAll(async () => {
  postgres = await startPostgres()
  session = await openTypeSession(postgres, clock)
  connection = session.connection
})

afterAll(async () => {
  await session[Symbol.asyncDispose]()
  await postgres[Symbol.asyncDispose]()
})

/** Everything a test makes is gone afterwards. */
beforeEach(async () => {
  await connection.control('DISCARD ALL')
  await connection.control(`
    DROP SCHEMA IF EXISTS public, app, evil, "odd 'schema'" CASCADE;
    CREATE SCHEMA public; CREATE SCHEMA app; CREATE SCHEMA "odd 'schema'"; CREATE SCHEMA evil`)
})

async function namesOf(text: string, isFirst = true): Promise<readonly string[]> {
  const types = await session.catalog.parameters(text, connection, never, isFirst)
  return types.map(({ name }) => name)
}

async function oidOf(type: string): Promise<number> {
  const [reply] = await connection.control(`SELECT '${type.replaceAll("'", "''")}'::regtype::oid::text`)
  return Number(reply?.rows[0]?.[0])
}

async function requests(run: () => Promise<unknown>): Promise<number> {
  const before = session.sent.length
  await run()
  return session.sent.length - before
}

test('the types that need not be asked for are as the server has them', async () => {
  const [reply] = await connection.control(`
    SELECT t.oid, format_type(t.oid, NULL), a.oid, format_type(a.oid, NULL), coalesce(a.typdelim, ',')
    FROM pg_type t LEFT JOIN pg_type a ON a.oid = t.typarray
    WHERE t.oid < 10000 AND t.typnamespace = 'pg_catalog'::regnamespace AND t.typtype IN ('b', 'r', 'm')
      AND NOT EXISTS (SELECT FROM pg_type e WHERE e.typarray = t.oid) AND t.typcategory <> 'Z'`)
  const rows = reply?.rows ?? []
  expect(rows.length).toBeGreaterThan(60)
  const internal = ['gtsvector']
  for (const row of rows) {
    const [oid, name = '', arrayOid, arrayName = '', delimiter = ''] = row.map((value) => value ?? '')
    if (internal.includes(name)) continue
    const type = builtinTypes.get(Number(oid))
    const array = builtinTypes.get(Number(arrayOid))
    expect([type?.name, array?.name]).toEqual([name, arrayName])
    if (array?.form === 'array') expect([array.element.name, array.delimiter]).toEqual([name, delimiter])
  }
  const sent = await requests(() => session.catalog.types([...builtinTypes.keys()], connection, never))
  expect(sent).toBe(0)
})

describe('types that users made', () => {
  test('are known by their names, and read as what they are made of', async () => {
    await connection.control(`
      CREATE TYPE mood AS ENUM ('sad');
      CREATE TYPE app.mood AS ENUM ('glad');
      CREATE TYPE "odd 'schema'"."a""; DROP" AS (n int);
      CREATE DOMAIN small AS int4; CREATE DOMAIN smaller AS small; CREATE DOMAIN list AS smaller[];
      CREATE TYPE span AS RANGE (subtype = float8)`)
    const found = async (type: string) => {
      const oid = await oidOf(type)
      return (await session.catalog.types([oid], connection, never)).get(oid)
    }
    const smaller = { form: 'int', name: 'smaller' } as const
    const odd = { form: 'text', name: `"odd 'schema'"."a""; DROP"` } as const
    const array = { form: 'array', delimiter: ',' } as const
    expect(await found('mood')).toEqual({ form: 'text', name: 'mood' })
    expect(await found('app.mood')).toEqual({ form: 'text', name: 'app.mood' })
    expect(await found('mood[]')).toEqual({ ...array, name: 'mood[]', element: { form: 'text', name: 'mood' } })
    expect(await found(`"odd 'schema'"."a""; DROP"`)).toEqual(odd)
    expect(await found(`"odd 'schema'"."a""; DROP"[]`)).toEqual({ ...array, name: `${odd.name}[]`, element: odd })
    expect(await found('small')).toEqual({ form: 'int', name: 'small' })
    expect(await found('smaller')).toEqual(smaller)
    expect(await found('list')).toEqual({ ...array, name: 'list', element: smaller })
    expect(await found('span')).toEqual({ form: 'text', name: 'span' })
    expect(await found('span_multirange')).toEqual({ form: 'text', name: 'span_multirange' })
    expect(await found('pg_class')).toEqual({ form: 'text', name: 'pg_class' })
  })

  test('are asked for once, all together, and what the server does not know is text', async () => {
    await connection.control("CREATE TYPE mood AS ENUM ('sad'); CREATE DOMAIN small AS int4")
    const oids = [await oidOf('mood'), await oidOf('small'), 16, 4_000_000_000]
    const catalog = openCatalog(clock)
    const ask = () => catalog.types([...oids, ...oids], connection, never)
    expect(await requests(ask)).toBe(1)
    const found = await ask()
    expect(oids.map((oid) => found.get(oid)?.name)).toEqual(['mood', 'small', 'boolean', '???'])
    expect(await requests(() => catalog.types(oids.slice(0, 3), connection, never))).toBe(0)
  })

  test('are asked for again after ten minutes, as they may have a new name', async () => {
    await connection.control("CREATE TYPE mood AS ENUM ('sad')")
    const oid = await oidOf('mood')
    const name = async () => (await session.catalog.types([oid], connection, never)).get(oid)?.name
    expect(await name()).toBe('mood')
    await connection.control('ALTER TYPE mood RENAME TO temper')
    expect(await name()).toBe('mood')
    await clock.advance(600_000)
    expect(await name()).toBe('temper')
  })
})

describe('parameters', () => {
  test('have the types that the server finds', async () => {
    await connection.control('CREATE TABLE t (a jsonb, b text[], c bytea, d numeric(5, 2), e varchar(3))')
    expect(await namesOf('INSERT INTO t VALUES ($1, $2, $3, $4, $5) -- no end')).toEqual([
      'jsonb',
      'text[]',
      'bytea',
      'numeric',
      'character varying',
    ])
    expect(await namesOf('SELECT $2::int, $1;')).toEqual(['text', 'integer'])
    expect(await namesOf('UPDATE t SET d = $1 WHERE b = $2 RETURNING a')).toEqual(['numeric', 'text[]'])
    expect(await namesOf('WITH x AS (DELETE FROM t WHERE c = $1 RETURNING a) TABLE x')).toEqual(['bytea'])
    expect(await namesOf('VALUES ($1::"char", \'$2\')')).toEqual(['"char"'])
    expect(await namesOf('SELECT 1')).toEqual([])
  })

  test('are remembered for a minute, where strings go to them as they are', async () => {
    await connection.control('CREATE TABLE t (id int, note text, data jsonb, tags text[])')
    const ask = (text: string) => requests(() => namesOf(text))
    const plain = 'SELECT * FROM t WHERE id = $1 AND note = $2'
    expect([await ask(plain), await ask(plain)]).toEqual([2, 0])
    await clock.advance(60_000)
    expect([await ask(plain), await ask(plain)]).toEqual([2, 0])
    session.catalog.forget(plain)
    expect([await ask(plain), await ask(plain)]).toEqual([2, 0])
    for (const text of ['UPDATE t SET data = $1', 'UPDATE t SET tags = $1', 'SELECT $1::bytea']) {
      expect([await ask(text), await ask(text)]).toEqual([2, 2])
    }
  })

  test('after another statement are those of now, and nobody else hears of them', async () => {
    await connection.control('CREATE TABLE public.t (note text); CREATE TABLE app.t (note int)')
    const text = 'INSERT INTO t VALUES ($1)'
    expect(await namesOf(text)).toEqual(['text'])
    await connection.control('BEGIN; SET LOCAL search_path = app')
    expect(await namesOf(text, false)).toEqual(['integer'])
    await connection.control('ROLLBACK')
    expect(await namesOf(text)).toEqual(['text'])
  })

  test('a column that changes between text and json never gets the form of the other', async () => {
    await connection.control('CREATE TABLE t (note jsonb)')
    const insert = 'INSERT INTO t VALUES ($1) RETURNING note::text'
    expect(await session.rows(insert, ['a'])).toEqual([['"a"']])
    await connection.control('ALTER TABLE t ALTER note TYPE text')
    expect(await session.rows(insert, ['a'])).toEqual([['a']])
    await connection.control('TRUNCATE t; ALTER TABLE t ALTER note TYPE jsonb USING NULL')
    await expect(session.rows(insert, ['a'])).rejects.toMatchObject({ sqlState: '22P02' })
  })

  test.each([
    ['SELECT nope', '42703', 8],
    ['SELECT $1::int + nope', '42703', 18],
    ["SELECT '\u65e5\u672c \u{1f600}', nope", '42703', 16],
    ['-- \u{1f600}\nSELECT nope', '42703', 13],
    ['SELEC 1', '42601', 1],
    ['', '42601', 1],
    ['SELECT 1; SELECT 2', '42601', undefined],
    ['SELECT 1; DROP SCHEMA public', '42601', undefined],
    ['SELECT $1 IS NULL', '42P18', undefined],
  ])('a fault in %j is one of its own text', async (text, sqlState, position) => {
    await expect(namesOf(text)).rejects.toMatchObject({ sqlState, position })
  })

  test('leave no statement behind, and get past one that bears any name', async () => {
    await namesOf('SELECT $1::int, 1')
    const [reply] = await connection.control('SELECT count(*) FROM pg_prepared_statements')
    expect(reply?.rows).toEqual([['0']])
    const names = session.sent.filter((text) => text.startsWith('PREPARE')).map((text) => text.split(' ')[1])
    expect(new Set(names).size).toBe(names.length)
  })

  test('are found in a transaction that only reads', async () => {
    await connection.control("CREATE TYPE mood AS ENUM ('sad'); BEGIN READ ONLY")
    expect(await namesOf('SELECT $1::mood, $2::int')).toEqual(['mood', 'integer'])
    await connection.control('COMMIT')
  })
})

test('nothing in the search path can step in', async () => {
  const trap = "LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'trapped'; END$$"
  const types = ['oid', 'text', 'name', '"char"', 'oid[]']
  const operators = types.flatMap((type, index) => [
    `CREATE FUNCTION evil.trap${index}(a ${type}, b ${type}) RETURNS bool ${trap}`,
    ...['=', '<>', '>'].map(
      (operator) =>
        `CREATE OPERATOR evil.${operator} (LEFTARG = ${type}, RIGHTARG = ${type}, FUNCTION = evil.trap${index})`,
    ),
  ])
  const functions = ['unnest(oid[])', 'quote_ident(text)', 'format_type(oid, int)', 'pg_prepared_statement()']
  await connection.control(
    [
      ...operators,
      ...functions.map((signature) => `CREATE FUNCTION evil.${signature} RETURNS text ${trap}`),
      ...['pg_type', 'pg_namespace', 'pg_prepared_statements', 'needed'].map(
        (name) => `CREATE TABLE evil.${name} (oid int)`,
      ),
      ...['oid', 'text', 'name'].map((name) => `CREATE DOMAIN evil.${name} AS bool`),
      "CREATE TYPE evil.mood AS ENUM ('sad')",
      'SET search_path = evil, pg_catalog, public',
    ].join(';'),
  )
  await expect(connection.control("SELECT 1 WHERE '1'::pg_catalog.oid = '1'::pg_catalog.oid")).rejects.toThrow(
    'trapped',
  )
  const catalog = openCatalog(clock)
  const list = await catalog.parameters('SELECT $1::mood[], $2::pg_catalog.int4, $3::oid', connection, never)
  expect(list.map(({ name, form }) => [name, form])).toEqual([
    ['evil.mood[]', 'array'],
    ['integer', 'int'],
    ['evil.oid', 'bool'],
  ])
})
