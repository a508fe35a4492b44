import { expect, test } from 'bun:test'
import { statementKind } from '../../../src/services/sql/statement-kind.ts'

test.each([
  'select 1',
  ' /* x */ SELECT $1',
  '(select 1) union (select 2)',
  '((values (1)))',
  'values (1)',
  'table t',
  'with x as (select 1) select * from x',
  'with x as materialized (select 1) select * from x for update',
  'with x as (select 1) select * from t for no key update of t',
  "with x as (select 'delete') select * from x",
  'select update from t',
  'select "into" from t',
  "select 'insert into t values (1)'",
  'select 1;',
  'select 1 -- end',
])('%j is read by a cursor', (text) => {
  expect(statementKind(text).kind).toBe('rows')
})

test.each([
  'insert into t values ($1)',
  'update t set a = 1 returning a',
  'delete from t',
  'merge into t using s on true when matched then delete',
  'with x as (insert into t values (1) returning a) select * from x',
  'with x as (select 1) delete from t',
  '(with x as (update t set a = 1 returning a) select * from x)',
  'with a as (select 1 for update), b as (delete from t returning *) select * from b',
])('%j is prepared', (text) => {
  expect(statementKind(text).kind).toBe('prepared')
})

test.each([
  '',
  '-- nothing',
  'select 1 into t',
  'with x as (select 1) select * into t from x',
  'create table t (a int)',
  'explain select 1',
  'do $$ begin commit; end $$',
  'call p()',
  'set local statement_timeout = 0',
  'set session authorization x',
  'set transaction_read_only = off',
  'show all',
  'reset all',
  'lock t',
  ';select 1',
  'set',
])('%j is run as it is', (text) => {
  expect(statementKind(text).kind).toBe('direct')
})

test.each([
  ...['begin', 'BEGIN', 'start transaction', 'commit', 'end', 'rollback', 'abort', 'savepoint a', 'release a'],
  ...['/* x */ commit', '-- x\ncommit', ';commit', ' ; ;; rollback', 'commit;', 'rollback to a', 'commit prepared'],
  ...['prepare transaction', 'prepare a as select 1', 'execute a', 'deallocate all', 'discard all'],
  ...['set transaction read write', 'set local transaction read write', 'set session transaction read write'],
  ...['set session characteristics as transaction read write', 'set /**/ transaction isolation level serializable'],
  ...['listen a', 'unlisten *', 'declare c cursor for select 1', 'fetch 1 from beamline', 'move 1 in beamline'],
  ...['close all', 'copy t to stdout', "copy t from program 'id'", "load 'x'"],
])('%j is refused, with what to do instead', (text) => {
  const kind = statementKind(text)
  expect(kind.kind).toBe('refused')
  expect(kind.kind === 'refused' && kind.instead).toMatch(/^[A-Z]/)
})

test.each<[text: string, isPlain: boolean]>([
  ['select id, v from kv where id = $1', true],
  ["select a.b + 1 as c, '(limit' as d from t a join u b on a.x = b.x where a.y is null -- order", true],
  ['select count(*) from t', false],
  ['select a from t where b in (1, 2)', false],
  ['select distinct a from t', false],
  ['select a from t group by a', false],
  ['select a from t order by a', false],
  ['select a from t limit 5', false],
  ['select a from t offset 5', false],
  ['select a from t fetch first row only', false],
  ['select a from t for update', false],
  ['select a from t union select 1', false],
  ['select a from t;', false],
  ['with x as materialized (select 1) select 1', false],
  ['values (1)', false],
  ['table t', false],
  ['(select 1)', false],
  ['insert into t values (1)', false],
  ['select 1 into t', false],
])('%j is plain: %j', (text, isPlain) => {
  expect(statementKind(text)).toMatchObject({ isPlain })
})
