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
  ['select a from app.t where tt = $1', 'app.t'],
  ['select a from t where t = $1', undefined],
  ['select a from app.t where b = $1 and T = $2', undefined],
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
      create table parts (v int) partition by range (v);
      create function one(int) returns int immutable language plpgsql as $$ begin return 1; end $$;
      create table part_indexed (v int); create index on part_indexed (v) where one(1) = 1;
      create table indexed (v int); create index on indexed (one(2));
      create table counted (v int); create statistics of_counted on (v + one(3)) from counted;
      create table checked (v int check (one(4) = 1));
      create table usual (id serial primary key, v text not null check (v <> ''), w text default one(5)::text, parent int references usual);
      create index on usual (lower(v)) where w is null; create statistics of_usual on (lower(v)), (lower(w)) from usual;
      create trigger kept before update on usual for each row execute function suppress_redundant_updates_trigger();
      create view of_usual_too as select one(id) from usual;
      create type other as enum ('a'); create function other(xml) returns other language sql as $$ select 'a'::other $$;
      create cast (xml as other) with function other(xml) as implicit;
      create table document (v xml)`)
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
    ['part_indexed', false],
    ['indexed', false],
    ['counted', false],
    ['checked', false],
    ['usual', true],
    ['document', false],
    ['pg_class', true],
    ['nothing', false],
  ])('%s runs nothing: %p', async (table, isPlain) => {
    expect((await plainPrint(table, connection, never)) !== undefined).toBe(isPlain)
  })

  test('of types that somebody has made an operator for is not trusted, whether these are of the server or not', async () => {
    const make = (type: string) => `
      create function same(${type}, ${type}) returns boolean language sql as $$ select true $$;
      create operator public.= (leftarg = ${type}, rightarg = ${type}, function = same)`
    await other.unsafe(make('word'))
    expect(await plainPrint('plain', connection, never)).toBeDefined()
    await other.unsafe(make('varchar'))
    expect(await plainPrint('plain', connection, never)).toBeUndefined()
    await other.unsafe('drop function same(varchar, varchar) cascade')
    expect(await plainPrint('plain', connection, never)).toBeDefined()
  })

  test('of a search path on which others stand before the server is not trusted', async () => {
    await connection.control('SET search_path = public, pg_catalog')
    expect(await plainPrint('plain', connection, never)).toBeUndefined()
  })
})
