import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { builtinTypes } from '../../../src/services/sql/builtin-types.ts'
import type { Connection } from '../../../src/services/sql/connection.ts'
import { KnownQueries, type KnownQuery } from '../../../src/services/sql/known-queries.ts'
import { unknownType } from '../../../src/services/sql/type-info.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { type Postgres, startPostgres } from '../../support/postgres.ts'
import { never } from './databases-world.ts'
import { dial } from './dial-world.ts'

let server: Postgres
let connection: Connection
beforeAll(async () => {
  server = await startPostgres()
  connection = await dial(server.url)
}, 60_000)
afterAll(async () => {
  await connection[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

const byKey = 'select v from kv where id = $1'
const types = [builtinTypes.get(23) ?? unknownType]
const text = 25
const real = 700

async function learned(): Promise<{ queries: KnownQueries; clock: FakeClock; query: KnownQuery | undefined }> {
  await connection.control(
    'DROP VIEW IF EXISTS kv_view; DROP TABLE IF EXISTS kv, kv_other; CREATE TABLE kv (id int, v text)',
  )
  const clock = new FakeClock()
  const queries = new KnownQueries(clock)
  expect(await queries.touchesNothing(byKey, connection, never)).toBe(true)
  queries.learn(byKey, types, [text])
  return { queries, clock, query: queries.find(byKey) }
}

test('a query of a plain table is known with the types of its parameters', async () => {
  const { query } = await learned()
  expect(query).toMatchObject({ text: byKey, table: { name: 'kv' }, types })
})

describe('nothing is learned', () => {
  test.each<[why: string, query: string, parameters: typeof types, columns: readonly number[]]>([
    ['of a query that calls something', 'select f(v) from kv where id = $1', types, [text]],
    ['without parameters, of which the first answer has another form', 'select v from kv', [], [text]],
    ['of columns that are not read', 'select v from kv where id = $1', types, [text, real]],
    ['of a table that was not looked at', 'select id from kv where id = $1', types, [text]],
  ])('%s', async (_, query, parameters, columns) => {
    const { queries } = await learned()
    queries.forget(byKey)
    await queries.touchesNothing('select v from kv', connection, never)
    if (columns.includes(real)) await queries.touchesNothing(byKey, connection, never)
    queries.learn(query, parameters, columns)
    expect(queries.find(query)).toBeUndefined()
  })
})

describe('after a minute it is asked', () => {
  test.each<[change: string, is: boolean]>([
    ['ANALYZE kv', true],
    ['ALTER TABLE kv ALTER v TYPE varchar', false],
    ['ALTER TABLE kv RENAME v TO w', false],
    ['ALTER TABLE kv ENABLE ROW LEVEL SECURITY', false],
    ['DROP TABLE kv; CREATE TABLE kv (id int, v text)', false],
    ['DROP TABLE kv', false],
  ])('whether the table is the same: %s', async (change, is) => {
    const { queries, clock, query } = await learned()
    if (query === undefined) throw new Error('it is not known')
    await connection.control(change)
    expect(queries.isOld(query)).toBe(false)
    await clock.advance(60_000)
    expect(queries.isOld(query)).toBe(true)
    expect(await queries.isStillSo(query, connection, never)).toBe(is)
    expect(queries.find(byKey) !== undefined).toBe(is)
  })
})
