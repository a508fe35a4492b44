import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { sqlWords } from '../../../src/services/sql/sql-words.ts'

test.each<[text: string, words: readonly string[]]>([
  ['', []],
  [' \t\r\n\f\v', []],
  ['SELECT a, B_1 FROM "T"', ['select', 'a', 'b_1', 'from']],
  ['-- commit\nselect', ['select']],
  ['-- commit\rselect', ['select']],
  ['/* a /* b */ commit */select', ['select']],
  ['/* commit', []],
  ['/**/commit/***/', ['commit']],
  ["select 'commit', 'it''s' as x", ['select', 'as', 'x']],
  ["select 'a\\' commit '", ['select', 'commit']],
  ["select E'a\\' commit ' as x", ['select', 'as', 'x']],
  ["select e'a''b' as x", ['select', 'as', 'x']],
  ["select e'a'\n 'b\\' commit' as x", ['select', 'as', 'x']],
  ["select e'a' -- c\n -- d\n 'b\\' commit' as x", ['select', 'as', 'x']],
  ["select e'a' 'b\\' commit '", ['select', 'commit']],
  ["select e'a\\\\' commit", ['select', 'commit']],
  ["select date'2020-01-01' as d", ['select', 'date', 'as', 'd']],
  ['select "a""b commit" c', ['select', 'c']],
  ['select $$ commit $$ c', ['select', 'c']],
  ['select $a$ $$ commit $b$ $a$ c', ['select', 'c']],
  ['select a$b$commit', ['select', 'a$b$commit']],
  ['select $é$ commit $é$ c', ['select', 'c']],
  ['select $a$ commit', ['select']],
  ['select 1e5 from t', ['select', 'from', 't']],
  ['(select 1); é', ['(', 'select', ';', 'é']],
  ['U&\'commit\' u&"commit"', ['u', 'u']],
])('%j has the words %j', (text, words) => {
  expect(sqlWords(text).words).toEqual([...words])
})

test.each<[text: string, parameters: number]>([
  ['select 1', 0],
  ['select $1', 1],
  ['select $2, $10, $3', 10],
  ["select '$4', $1 -- $9", 1],
  ['select $$ $5 $$, a$7, "$8", /* $6 */ $2', 2],
])('%j takes %i parameters', (text, parameters) => {
  expect(sqlWords(text).parameters).toBe(parameters)
})

test('whatever is put into quotes or comments has no words', () => {
  const inside = fc.string({ unit: 'binary', maxLength: 40 })
  fc.assert(
    fc.property(inside, (text) => {
      const quoted = [
        `'${text.replaceAll("'", "''")}'`,
        `"${text.replaceAll('"', '""')}"`,
        `E'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`,
        `$tag$${text.replaceAll('$tag$', '')}$tag$`,
        `/*${text.replaceAll('*', '').replaceAll('/', '')}*/`,
      ]
      for (const each of quoted) expect(sqlWords(`${each} end`).words).toEqual(['end'])
    }),
  )
})

test('hostile texts are read in linear time', () => {
  const parts = ["'", "''", "e'\\", '/*', '*/', '$', '$a$', '$1', '"', "e''\n", '--', '(', 'a$']
  const from = performance.now()
  for (const part of parts) sqlWords(part.repeat(1_000_000 / part.length))
  expect(performance.now() - from).toBeLessThan(5000)
})
