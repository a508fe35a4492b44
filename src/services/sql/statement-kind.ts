/** What a statement is, told from its words: how it is run, and what may not be run at all. */
import { sqlWords } from './sql-words.ts'

/**
 * - `rows`: a query that changes nothing by itself, so it can be read by a cursor.
 * - `prepared`: it can be prepared, and may write.
 * - `direct`: it can only be run.
 * - `refused`: it would end, leave or take over the transaction of the job; `instead` says what to do.
 */
export type StatementKind =
  | {
      readonly kind: 'rows' | 'prepared' | 'direct'
      readonly parameters: number
      /** It calls nothing, sorts and groups nothing: with a limit at its end it stops at so many rows. */
      readonly isPlain: boolean
    }
  | { readonly kind: 'refused'; readonly instead: string }

const queries: ReadonlySet<string> = new Set(['select', 'values', 'table', 'with'])
const writers: ReadonlySet<string> = new Set(['insert', 'update', 'delete', 'merge'])

/** What stands in a query that a limit cannot follow, that a limit would not shorten, or that calls something. */
const elaborate: ReadonlySet<string> = new Set([
  ...['(', ';', 'with', 'distinct', 'group', 'having', 'window', 'order', 'union', 'intersect', 'except'],
  ...['limit', 'offset', 'fetch', 'for'],
])

const ofTransactions = 'Put the statements of a transaction into `transaction.statements`'
const ofCursors = 'Send the query itself, and limit it with `max_rows`'
const ofPrepared = 'Send the statement itself: its arguments never are part of its text'
const ofCopy = 'Insert from arrays with `unnest`, and read with a query'
const ofSessions = 'Sessions belong to the worker, which cleans them after every job'

/** By the first word of a statement. */
const refusals: ReadonlyMap<string, string> = new Map([
  ...['begin', 'start', 'commit', 'end', 'rollback', 'abort', 'savepoint', 'release'].map(
    (first) => [first, ofTransactions] as const,
  ),
  ...['declare', 'fetch', 'move', 'close'].map((first) => [first, ofCursors] as const),
  ...['prepare', 'execute', 'deallocate'].map((first) => [first, ofPrepared] as const),
  ...['discard', 'listen', 'unlisten', 'load'].map((first) => [first, ofSessions] as const),
  ['copy', ofCopy],
])

/** The kind of a statement. A text that the server reads otherwise, or refuses, has any kind. */
export function statementKind(text: string): StatementKind {
  const { words, parameters } = sqlWords(text)
  const start = words.findIndex((each) => each !== ';')
  const first = words[start] ?? ''
  const instead = setsTransaction(words.slice(start, start + 4)) ? ofTransactions : refusals.get(first)
  if (instead !== undefined) return { kind: 'refused', instead }
  // What follows an empty statement can be neither declared nor prepared.
  if (start > 0) return { kind: 'direct', parameters, isPlain: false }
  const kind = kindOf(words)
  const isPlain = kind === 'rows' && first === 'select' && words.every((each) => !elaborate.has(each))
  return { kind, parameters, isPlain }
}

function kindOf(words: readonly string[]): 'rows' | 'prepared' | 'direct' {
  const first = words.find((each) => each !== '(') ?? ''
  if (writers.has(words[0] ?? '')) return 'prepared'
  if (!queries.has(first)) return 'direct'
  // Only what WITH names can write inside a query.
  const writes = words.includes('with') && words.some((each, index) => writers.has(each) && !locks(words[index - 1]))
  if (writes) return 'prepared'
  return words.includes('into') ? 'direct' : 'rows'
}

/** FOR UPDATE and FOR NO KEY UPDATE only lock. */
function locks(before: string | undefined): boolean {
  return before === 'for' || before === 'key'
}

/** SET TRANSACTION and SET SESSION CHARACTERISTICS, in all their spellings. */
function setsTransaction([first, ...rest]: readonly string[]): boolean {
  if (first !== 'set') return false
  const what = rest.find((each) => each !== 'local' && each !== 'session')
  return what === 'transaction' || what === 'characteristics'
}
