/** What a job of type `sql` says. */
import { z } from 'zod'
import { bounded, fieldsOf, textUpTo } from '../http/bounded.ts'
import { addProblems, type Problem } from '../http/input-error.ts'

const longestQuery = 1_000_000
const longestName = 256
const longestDsn = 8192
const mostArgs = 10_000
const mostStatements = 100

/** The names under which callers send the values of a query's parameters. */
const argNames = ['args', 'params', 'parameters'] as const

const query = textUpTo(longestQuery)
  .min(1, { error: 'An empty text is no statement' })
  .refine((text) => !text.includes('\0'), { error: 'May not hold a NUL character' })
const args = bounded(z.array(z.unknown()), { most: mostArgs, what: 'values' })
const isolation = z.enum(['read_committed', 'repeatable_read', 'serializable'])

const statement = z
  .strictObject({
    query,
    args: args.optional(),
    params: args.optional(),
    parameters: args.optional(),
    expect_rows: z.int().min(0).optional(),
  })
  .superRefine((given, context) => addProblems(argProblems(given), context))

const transaction = z.strictObject({
  statements: bounded(z.array(fieldsOf(statement)).min(1, { error: 'At least one statement' }), {
    most: mostStatements,
    what: 'statements',
  }),
  isolation: isolation.optional(),
  read_only: z.boolean().optional(),
})

const fields = z.object({
  connection: textUpTo(longestName)
    .optional()
    .describe(
      'The name of a database that the operator has set up; without it and without `connection_string`, DATABASE_URL.',
    ),
  connection_string: textUpTo(longestDsn)
    .optional()
    .describe('`postgres://user:password@host:port/database`, where the operator allows it.'),
  query: query.optional().describe('One statement. Values belong in `args`, never in its text.'),
  args: args.optional().describe('The values of $1, $2, … in order: any JSON that fits their types.'),
  params: args.optional().describe('The same as `args`.'),
  parameters: args.optional().describe('The same as `args`.'),
  transaction: fieldsOf(transaction)
    .optional()
    .describe(
      'Instead of `query`: `{statements: [{query, args, expect_rows}], isolation, read_only}`, all kept or none. `{"$ref": "results[0].rows[0].id"}` as an arg is a value of an earlier statement, by JMESPath.',
    ),
  isolation: isolation
    .optional()
    .describe("read_committed, repeatable_read or serializable; without it the database's own."),
  read_only: z.boolean().optional().describe('Whether the server is told to refuse whatever writes.'),
  idempotent: z
    .boolean()
    .default(false)
    .describe(
      'Whether the effect is had once, however often the job is delivered: the table beamline_effects remembers it.',
    ),
  format: z
    .enum(['rows', 'columns', 'value'])
    .default('rows')
    .describe(
      '`rows`: objects; `columns`: the names once, and rows as arrays; `value`: the first value of the first row.',
    ),
  columns: z.boolean().default(false).describe('Whether the output has the name and type of each column.'),
  max_rows: z.int().min(1).optional().describe('The most rows of all statements together, at most SQL_MAX_ROWS.'),
  on_limit: z
    .enum(['error', 'truncate'])
    .default('error')
    .describe('What becomes of rows beyond the limits: the job fails, or they are left out and `truncated` is true.'),
  timeout_ms: z.int().min(1).optional().describe('Limit of each try, in milliseconds.'),
})

/** The input of a job. */
export const sqlInput = fieldsOf(fields.superRefine((given, context) => addProblems(problems(given), context)))

/** A checked input. */
export type SqlInput = z.output<typeof fields>

/** One statement of a job. */
export interface AskedStatement {
  /** Where it stands in the input. */
  readonly field: string
  readonly query: string
  readonly args: readonly unknown[]
  readonly expectRows: number | undefined
}

/** The statements of a checked input, in order. */
export function statementsOf(given: SqlInput): readonly AskedStatement[] {
  const { transaction: several, query: single = '' } = given
  if (several === undefined) return [{ field: 'query', query: single, args: argsOf(given), expectRows: undefined }]
  return several.statements.map((each, index) => ({
    field: `transaction.statements.${index}.query`,
    query: each.query,
    args: argsOf(each),
    expectRows: each.expect_rows,
  }))
}

/** Whether a job asks to be kept from writing. */
export function wantsReadOnly({ read_only: readOnly, transaction: several }: SqlInput): boolean {
  return readOnly === true || several?.read_only === true
}

type Args = Readonly<Partial<Record<(typeof argNames)[number], readonly unknown[] | undefined>>>

function argsOf({ args: own, params, parameters }: Args): readonly unknown[] {
  return own ?? params ?? parameters ?? []
}

function problems(given: SqlInput): readonly Problem[] {
  const { transaction: several, isolation: level, idempotent, query: single } = given
  const found: Problem[] = [...argProblems(given)]
  if (several === undefined && single === undefined) found.push({ path: ['query'], problem: 'Missing' })
  if (several !== undefined) {
    for (const name of ['query', ...argNames] as const) {
      if (given[name] !== undefined) found.push({ path: [name], problem: 'May not be set beside a transaction' })
    }
    if (level !== undefined && several.isolation !== undefined) {
      found.push({ path: ['isolation'], problem: 'It is set in the transaction already' })
    }
  }
  // What writes nothing cannot write down that it was done.
  if (idempotent && wantsReadOnly(given)) found.push({ path: ['idempotent'], problem: 'May not be set with read_only' })
  return found
}

/** The same values may come under one name only. */
function argProblems(given: Args): readonly Problem[] {
  const [first, ...others] = argNames.filter((name) => given[name] !== undefined)
  return others.map((name) => ({ path: [name], problem: `The values are in ${first} already` }))
}
