/** The table of types in docs/sql.md, both ways: a JSON value goes into a column as a parameter and comes back. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { type Postgres, startPostgres } from '../../support/postgres.ts'
import { times, typeRows } from './type-rows.ts'
import { openTypeSession, type TypeSession } from './type-session.ts'

let postgres: Postgres
let session: TypeSession
let elsewhere: TypeSession

beforeAll(async () => {
  postgres = await startPostgres()
  session = await openTypeSession(postgres)
  elsewhere = await openTypeSession(postgres)
  await elsewhere.connection.control("SET TimeZone = 'Asia/Kolkata'")
  await session.connection.control(`
    CREATE TYPE mood AS ENUM ('sad', 'so so', 'it''s "fine"');
    CREATE TYPE pair AS (n int, t text);
    CREATE DOMAIN count AS int8 CHECK (VALUE >= 0);
    CREATE DOMAIN document AS jsonb;
    CREATE DOMAIN numbers AS int4[];
    CREATE SCHEMA "odd 'schema'";
    CREATE TYPE "odd 'schema'"."a""b" AS ENUM ('x')`)
})

afterAll(async () => {
  await session[Symbol.asyncDispose]()
  await elsewhere[Symbol.asyncDispose]()
  await postgres[Symbol.asyncDispose]()
})

describe('what goes into a column comes back as the table says', () => {
  test.each(typeRows.map((row, index) => [row[0], JSON.stringify(row[1]), index] as const))(
    '%s %s',
    async (_, __, index) => {
      const [type, given, back = given] = typeRows[index] ?? ['', undefined]
      const table = `kept_${index}`
      await session.connection.control(`CREATE TABLE ${table} (value ${type}, nothing ${type})`)
      const text = `INSERT INTO ${table} VALUES ($1, $2) RETURNING value, nothing`
      expect(await session.rows(text, [given, null])).toEqual([[back, null]])
      expect(await session.rows(`SELECT value FROM ${table}`)).toEqual([[back]])
      // What came back is what may be sent again.
      expect(await session.rows(`INSERT INTO ${table} (value) VALUES ($1) RETURNING value`, [back])).toEqual([[back]])
    },
  )
})

describe('a moment is the same in every time zone', () => {
  const moments = times.filter(([type]) => type === 'timestamptz')
  test.each(moments.map(([, given, back = given]) => [given, back]))('%s', async (given, back) => {
    expect(await elsewhere.rows('SELECT $1::timestamptz, ARRAY[$1::timestamptz]', [given])).toEqual([[back, [back]]])
  })
})

test('functions that return nothing give null', async () => {
  expect(await session.rows("SELECT pg_catalog.pg_notify('a', 'b')")).toEqual([[null]])
})

test('records, and columns without a type of their own, are texts', async () => {
  const given = "SELECT ROW(1, 'a b'), ARRAY[ROW(1, NULL)], NULL, 'x', '{}'::text[]"
  expect(await session.rows(given)).toEqual([['(1,"a b")', ['(1,)'], null, 'x', []]])
})

test('numbers in a document that a double would round are strings', async () => {
  const given = ['9007199254740993', '-1e400', '1e-400', '0.12345678901234567890', '3.141592653589793238']
  const exact = ['1.50', '0.30000000000000004', '1e23', '5e-324', '-0.0', '"9007199254740993"', '12345678901234567000']
  const read = await session.rows(`SELECT '[${given.join()}]'::json, '[${exact.join()}]'::json, '{"a":1e400}'::jsonb`)
  const back = [1.5, 0.30000000000000004, 1e23, 5e-324, -0, '9007199254740993', 12345678901234567000]
  expect(read).toEqual([[given, back, { a: `1${'0'.repeat(400)}` }]])
})

test('a document that is nested too deeply for a result stays text', async () => {
  const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)
  const [row] = await session.rows(`SELECT '${nested(5000)}'::json, '${nested(900)}'::json`)
  expect(row?.[0]).toBe(nested(5000))
  expect(JSON.stringify(row?.[1])).toBe(nested(900))
})

test('what a statement has changed about the writing of values does not break their reading', async () => {
  await using other = await openTypeSession(postgres)
  await other.connection.control(
    "SET DateStyle = 'German'; SET bytea_output = 'escape'; SET IntervalStyle = 'postgres'",
  )
  const text =
    "SELECT '2026-01-02 03:04:05'::timestamp, '\\x005c41ff'::bytea, '1 day'::interval, '{2026-01-02}'::date[]"
  expect(await other.rows(text)).toEqual([['02.01.2026 03:04:05', 'AFxB/w==', '1 day', ['02.01.2026']]])
})

describe('what a type cannot hold is refused by the server, and rounded by nobody', () => {
  const refused: readonly (readonly [type: string, given: unknown, sqlState: string])[] = [
    ['int4', 1.5, '22P02'],
    ['int4', '1.5', '22P02'],
    ['int4', 2147483648, '22003'],
    ['int2', 40000, '22003'],
    ['int8', 1e-7, '22P02'],
    ['int8', 0.1, '22P02'],
    ['int8', true, '22P02'],
    ['bool', 'perhaps', '22P02'],
    ['date', '2026-02-30', '22008'],
    ['mood', 'glad', '22P02'],
    ['int4[]', [1.5], '22P02'],
    ['int4[]', [[1], [2, 3]], '22P02'],
    ['count', -1, '23514'],
    ['jsonb', '\u0000', '22P05'],
    ['text', '\u0000', '22021'],
  ]
  test.each(refused.map(([type, given, state]) => [type, JSON.stringify(given), state, given] as const))(
    '%s %s: %s',
    async (type, _text, sqlState, given) => {
      await expect(session.rows(`SELECT $1::${type}`, [given])).rejects.toMatchObject({ sqlState })
    },
  )
})
