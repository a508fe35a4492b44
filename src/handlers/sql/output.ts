/** How the rows of a job are shown. */
import { z } from 'zod'
import type { ResultColumn, Shape } from '../../services/sql/rows.ts'
import type { StatementResult } from '../../services/sql/statement.ts'
import type { SqlInput } from './input.ts'

const column = z.union([z.string(), z.object({ name: z.string(), type: z.string() })])

const resultFields = {
  rows: z.array(z.unknown()).optional().describe('Objects by name of column, or arrays with `format: columns`.'),
  value: z.unknown().optional().describe('Instead of rows, with `format: value`; null without rows.'),
  row_count: z.int().optional().describe('How many rows there are here.'),
  rows_affected: z.int().optional().describe('How many rows were inserted, updated, deleted or merged.'),
  truncated: z.literal(true).optional().describe('There, and true, when rows were left out.'),
  columns: z
    .array(column)
    .optional()
    .describe('With `format: columns` the names; with `columns: true` the name and type of each.'),
}

/** The output of a job: one result, or those of its statements. */
export const sqlOutput = z.object({
  ...resultFields,
  results: z.array(z.object(resultFields)).optional().describe('Of a transaction: one of these for each statement.'),
})

/** What a job gives. */
export type SqlOutput = z.output<typeof sqlOutput>

/** How one statement's result is shown. */
export type SqlResult = Omit<SqlOutput, 'results'>

/** What a job says about that. */
type Format = Pick<SqlInput, 'format' | 'columns'>

/** How rows are made of values. */
export function shapeFor({ format }: Format): Shape {
  return format === 'rows' ? objectRows : () => (values) => values
}

/** Whether columns are shown beside the rows. */
export function showsColumns({ columns, format }: Format): boolean {
  return columns || format === 'columns'
}

/** How many rows are needed of a statement: one more than are expected shows that there are too many. */
export function mostRows({ format }: Format, expected = 0): number | undefined {
  return format === 'value' ? expected + 1 : undefined
}

/** The result of a statement as it was asked for. */
export function resultOf({ rows, columns, affected, truncated }: StatementResult, asked: Format): SqlResult {
  const shown = shownColumns(columns, asked)
  const result: SqlResult = asked.format === 'value' ? { value: firstValue(rows) } : { rows: [...rows] }
  result.row_count = rows.length
  result.rows_affected = affected
  if (truncated) result.truncated = truncated
  if (shown !== undefined) result.columns = shown
  return result
}

function shownColumns(columns: readonly ResultColumn[], asked: Format): SqlResult['columns'] {
  if (!showsColumns(asked)) return undefined
  const names = uniqueNames(columns)
  return asked.columns ? columns.map(({ type }, index) => ({ name: names[index] ?? '', type })) : [...names]
}

function firstValue([row]: readonly unknown[]): unknown {
  return Array.isArray(row) ? (row[0] ?? null) : null
}

/** A column of the name `__proto__` must become a field like any other. */
function objectRows(columns: readonly ResultColumn[]): (values: readonly unknown[]) => unknown {
  const names = uniqueNames(columns)
  if (names.includes('__proto__')) {
    return (values) => Object.fromEntries(names.map((name, index) => [name, values[index]]))
  }
  return (values) => {
    const row: Record<string, unknown> = {}
    for (let index = 0; index < names.length; index++) row[names[index] ?? ''] = values[index]
    return row
  }
}

/** Names that occur again get a number, the first that is free from 2 on, so that no value hides another. */
function uniqueNames(columns: readonly ResultColumn[]): readonly string[] {
  const all = columns.map(({ name }) => name)
  if (new Set(all).size === all.length) return all
  const used = new Set<string>()
  const free = new Set(all)
  return all.map((name) => {
    let unique = name
    for (let number = 2; used.has(unique) || (unique !== name && free.has(unique)); number++) {
      unique = `${name}_${number}`
    }
    used.add(unique)
    return unique
  })
}
