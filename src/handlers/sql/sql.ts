/** The job type `sql`: statements in one transaction of a PostgreSQL database. */
import { JobError } from '../../errors.ts'
import { defineHandler, type Effect, type Handler, type JobContext, type RetryPolicy } from '../../handler.ts'
import type { Jmespath } from '../../services/jmespath/jmespath.ts'
import type { Scripts } from '../../services/scripts/scripts.ts'
import type { Sql, SqlJob } from '../../services/sql/sql.ts'
import type { SqlStatement, SqlTransaction, StatementResult } from '../../services/sql/statement.ts'
import { invalidInput } from '../http/input-error.ts'
import { type AskedStatement, type SqlInput, sqlInput, statementsOf, wantsReadOnly } from './input.ts'
import { mostRows, resultOf, type SqlOutput, type SqlResult, shapeFor, showsColumns, sqlOutput } from './output.ts'
import { checkReferences, type Lookup, resolved } from './references.ts'

/** What the handler shares with others. */
export interface SqlServices {
  readonly sql: Sql
  readonly jmespath: Jmespath
  /** Expressions may take as long as scripts. */
  readonly scripts: Pick<Scripts, 'timeoutMs'>
}

/** Four tries, 200 ms doubling, full jitter; what a statement does wrong it does wrong again. */
const usualRetry: RetryPolicy = {
  maxAttempts: 4,
  backoffMs: 200,
  maxBackoffMs: 30_000,
  codes: ['DB_QUERY_ERROR', 'DB_CONNECTION_ERROR', 'RESOURCE_UNAVAILABLE'],
}

/** A statement that was asked for and looked at. */
interface Checked extends AskedStatement {
  readonly statement: SqlStatement
}

/** The handler, on these services. */
export function sql({ sql: service, jmespath, scripts }: SqlServices): Handler {
  return defineHandler({
    type: 'sql',
    aliases: ['sql.query'],
    summary: 'Runs statements on PostgreSQL, in one transaction.',
    pool: 'io',
    effect,
    sandbox: 'sample',
    input: sqlInput,
    output: sqlOutput,
    example: { query: 'select $1::int + 1 as n', args: [41] },
    sample: { rows: [{ n: 42 }], row_count: 1, rows_affected: 0 },
    retry: (_input, asked) => asked ?? usualRetry,
    async run(input, context) {
      const statements = statementsOf(input).map(checked)
      if (input.transaction !== undefined) checkReferences(statements, jmespath)
      const lookup = { jmespath, context, limitMs: scripts.timeoutMs }
      const output = await service.transact(jobOf(input, statements, context), (transaction) =>
        input.transaction === undefined
          ? single(input, statements, transaction)
          : several(input, statements, transaction, lookup),
      )
      // It is what one of the two has given, now or before.
      return output as SqlOutput
    },
  })

  function effect(input: SqlInput): Effect {
    if (isReadOnly(input)) return 'none'
    return input.idempotent ? 'idempotent' : 'once'
  }

  function isReadOnly(input: SqlInput): boolean {
    return service.limits.readOnly || wantsReadOnly(input)
  }

  function checked(asked: AskedStatement): Checked {
    const statement = service.read(asked.query)
    if (statement.kind.kind === 'refused') throw invalidInput(asked.field, statement.kind.instead)
    const { field, query, args, expectRows: expected } = asked
    return { field, query, args, expectRows: expected, statement }
  }

  function jobOf(input: SqlInput, statements: readonly Checked[], context: JobContext): SqlJob {
    const { tenantId, assignmentId, signal, maxOutputBytes } = context
    return {
      tenantId,
      assignmentId,
      signal,
      maxOutputBytes,
      timeLeftMs: () => context.timeLeftMs(),
      wanted: { connection: input.connection, connectionString: input.connection_string },
      isolation: input.isolation ?? input.transaction?.isolation,
      readOnly: isReadOnly(input),
      isOnceOnly: input.idempotent && !isReadOnly(input),
      maxRows: input.max_rows,
      truncate: input.on_limit === 'truncate',
      statements: statements.map(({ statement }) => statement),
    }
  }
}

async function single(
  input: SqlInput,
  statements: readonly Checked[],
  transaction: SqlTransaction,
): Promise<SqlResult> {
  const [{ statement, args } = missing()] = statements
  const run = { statement, args, shape: shapeFor(input), most: mostRows(input), showsColumns: showsColumns(input) }
  return resultOf(await transaction.run(run), input)
}

async function several(
  input: SqlInput,
  statements: readonly Checked[],
  transaction: SqlTransaction,
  lookup: Lookup,
): Promise<SqlOutput> {
  const shape = shapeFor(input)
  const results: SqlResult[] = []
  for (const [index, asked] of statements.entries()) {
    const args = await resolved(asked, index, results, lookup)
    const most = mostRows(input, asked.expectRows)
    const result = await transaction.run({
      statement: asked.statement,
      args,
      shape,
      most,
      index,
      showsColumns: showsColumns(input),
    })
    expectRows(asked, index, result)
    results.push(resultOf(result, input))
  }
  return { results }
}

/** A statement that changes rows is counted by these, any other by what it gives. */
function expectRows({ expectRows: expected }: AskedStatement, statement: number, result: StatementResult): void {
  const { affected, rows, truncated } = result
  const actual = Math.max(affected, rows.length)
  if (expected === undefined || (actual === expected && !truncated)) return
  throw new JobError('PRECONDITION_FAILED', 'A statement met another number of rows than was expected', {
    details: { expected, actual, statement },
  })
}

function missing(): never {
  throw new Error('a checked input has a statement')
}
