import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { Connection } from '../../../src/services/sql/connection.ts'
import { plainPrint, plainTable } from '../../../src/services/sql/plain-table.ts'
import { type Postgres, startPostgres } from '../../support/postgres.ts'
import { never, observer } from './databases-world.ts'
import { dial } from './dial-world.ts'

test.each<[text: string, table: string | undefined]>([
  ['select a from t', 't'],
  ['SELECT a, b AS c\nFROM app.t WHERE id = $1 AND n=5', 'app.t'],
  ['select * from t', 't'],
  ['select t.a from t', undefined],
  ['select f(a) from t', undefined],
  ['select a from f()', undefined],
  ['select a::text from t', undefined],
  ['select "a" from t', undefined],
  ["select a from t where b = 'x'", undefined],
  ['select a from t where b <> $1', undefined],
  ['select a from t, u', undefined],
  ['select a from t u', undefined],
  ['select a from t; select b from u', undefined],
  ['select 1', undefined],
  [`select a from t${' '.repeat(5000)}`, undefined],
])('%s reads %s', (text, table) => {
  expect(plainTable(text)).toBe(table)
})

describe('a table', () => {
  let server: Postgres
  let other: ReturnType<typeof observer>
  let connection: Connection
  beforeAll(async () => {
    server = await startPostgres()
    other = observer(server)
    connection = await dial(server.url)
    await other.unsafe(`
      create table plain (id int primary key, v text, w jsonb[]);
      create domain word as text check (value <> '');
      create table typed (v word);
      create view seen as select v from plain;
      create table guarded (v text); alter table guarded enable row level security;
      create table parent (v text); create table child () inherits (parent);
      create table parts (v int) partition by range (v)`)
  }, 60_000)
  afterAll(async () => {
    await other.end()
    await connection[Symbol.asyncDispose]()
    await server[Symbol.asyncDispose]()
  })

  test.each<[table: string, isPlain: boolean]>([
    ['plain', true],
    ['public.plain', true],
    ['typed', false],
    ['seen', false],
    ['guarded', false],
    ['parent', false],
    ['parts', false],
    ['nothing', false],
  ])('%s runs nothing: %p', async (table, isPlain) => {
    expect((await plainPrint(table, connection, never)) !== undefined).toBe(isPlain)
  })

  test('of a search path on which others stand before the server is not trusted', async () => {
    await connection.control('SET search_path = public, pg_catalog')
    expect(await plainPrint('plain', connection, never)).toBeUndefined()
  })
})
