/** Statements inside an open transaction. */
import { JobError } from '../../errors.ts'
import type { Connection, Param } from './connection.ts'
import type { Reply } from './driver-reply.ts'
import { checkParameterCount, encode } from './encode.ts'
import type { RowBudget } from './row-budget.ts'
import { limitedText, usualLimit } from './row-limit.ts'
import { type Reading, type Rows, readCursor, readReply, type Shape } from './rows.ts'
import { beforeOurs, inOwnText } from './server-error.ts'
import { sqlFailure } from './sql-failure.ts'
import type { StatementKind } from './statement-kind.ts'
import { endsTransaction, limitText } from './transaction.ts'

/** A statement that was looked at. */
export interface SqlStatement {
  readonly text: string
  readonly kind: StatementKind
}

/** One run of a statement. */
export interface StatementRun {
  readonly statement: SqlStatement
  /** Any JSON. */
  readonly args: readonly unknown[]
  readonly shape: Shape
  /** How many rows are wanted at most, however many there are; no limit unless it is said. */
  readonly most?: number | undefined
  /** Whether the names and types of its columns come with the rows, and count. */
  readonly showsColumns: boolean
  /** Which of several statements it is, from 0; errors name it. */
  readonly index?: number | undefined
}

/** What a statement gave. */
export interface StatementResult extends Rows {
  /** How many rows it inserted, updated, deleted or merged; 0 for all others. */
  readonly affected: number
}

/** A transaction that is open. */
export interface SqlTransaction {
  /** Runs a statement. Rejects with a JobError; nothing may follow then. */
  run(statement: StatementRun): Promise<StatementResult>
}

/** What all statements of a transaction share. */
export interface Surroundings extends Omit<Reading, 'shape' | 'most' | 'showsColumns' | 'before'> {
  readonly timeLeftMs: () => number
  /** Undoes what was done and begins again; only where there is one statement, and nothing was done before it. */
  readonly restart: (() => Promise<void>) | undefined
}

const cursor = 'beamline'
const declare = `DECLARE ${cursor} NO SCROLL CURSOR FOR `
const counted = /^(?:INSERT|UPDATE|DELETE|MERGE)$/

/** Runs statements one after another on a connection whose transaction has been begun. */
export class OpenTransaction implements SqlTransaction {
  readonly #surroundings: Surroundings
  #hasRun = false
  #hasCursor = false
  #hasEscaped = false
  /** Nothing was run but queries that call nothing, as far as is known: the limits are as they were set. */
  #isUntouched = true

  constructor(surroundings: Surroundings) {
    this.#surroundings = surroundings
  }

  /** What its statements have brought back. */
  get budget(): RowBudget {
    return this.#surroundings.budget
  }

  /** A statement ended the transaction: nobody knows what was kept, nor where the session stands now. */
  get hasEscaped(): boolean {
    return this.#hasEscaped
  }

  async run(given: StatementRun): Promise<StatementResult> {
    const { signal, timeLeftMs, catalog } = this.#surroundings
    signal.throwIfAborted()
    try {
      return await this.#run(given)
    } catch (thrown) {
      signal.throwIfAborted()
      // What is known of its parameters may be the reason.
      catalog.forget(given.statement.text)
      throw sqlFailure(thrown, { timeLeftMs: timeLeftMs(), statement: given.index, unsent: true })
    }
  }

  async #run(given: StatementRun) {
    const { statement, args, shape, most = Number.POSITIVE_INFINITY, showsColumns } = given
    const { text, kind } = statement
    const { connection, signal, catalog } = this.#surroundings
    if (kind.kind === 'refused') throw new JobError('INVALID_INPUT', 'The statement is not allowed in a job')
    await this.#makeReady()
    const params = await this.#params(text, kind, args)
    this.#hasRun = true
    const limit = (): string => `${limitText(this.#surroundings.timeLeftMs())}; `
    this.#isUntouched &&=
      kind.kind === 'rows' && kind.isPlain && (await catalog.queries.touchesNothing(text, connection, signal))
    const before = this.#isUntouched ? undefined : limit
    const reading: Reading = { ...this.#surroundings, shape, most, showsColumns, before }
    if (kind.kind === 'rows') {
      const few = kind.isPlain && !catalog.hasMany(text) ? await this.#few(text, params, reading) : undefined
      if (few !== undefined) return { ...few, affected: 0 }
      await declareCursor(connection, text, params, signal)
      this.#hasCursor = true
      return { ...(await readCursor(cursor, reading)), affected: 0 }
    }
    const reply = await connection.statement(text, params, signal)
    if (endsTransaction(reply)) throw this.#escaped()
    return { ...(await readReply(reply, reading)), affected: affectedBy(reply) }
  }

  /** Closes the cursor of the statement before, and sets the limits again that it may have lifted. */
  async #makeReady(): Promise<void> {
    const { connection, signal, timeLeftMs } = this.#surroundings
    const close = this.#hasCursor ? [`CLOSE ${cursor}`] : []
    const limit = this.#hasRun && !this.#isUntouched ? [limitText(timeLeftMs())] : []
    const text = [...close, ...limit].join('; ')
    if (text !== '') await connection.control(text, signal)
    this.#hasCursor = false
  }

  /** The rows of a query that may have few, for which a cursor would cost more than they do; undefined when there are more. */
  async #few(text: string, params: readonly Param[], reading: Reading): Promise<Rows | undefined> {
    const { connection, signal, restart, catalog } = this.#surroundings
    if (restart === undefined) return undefined
    const enough = Math.min(reading.most, reading.budget.rowsLeft + 1)
    const limit = Math.min(enough, usualLimit)
    const reply = await connection.statement(limitedText(text, limit), params, signal).catch((thrown: unknown) => {
      throw beforeOurs(thrown, text)
    })
    if (reply.rows.length < limit || limit === enough) {
      if (this.#isUntouched)
        catalog.foundFew(
          text,
          reply.columns.map(({ type }) => type),
        )
      return readReply(reply, reading)
    }
    catalog.foundMany(text)
    await restart()
    return undefined
  }

  #escaped(): JobError {
    this.#hasEscaped = true
    this.#surroundings.connection.discard()
    const details = { outcome: 'unknown' }
    return new JobError('INVALID_INPUT', 'The statement ended the transaction of the job', { details })
  }

  async #params(
    text: string,
    { kind, parameters }: Exclude<StatementKind, { kind: 'refused' }>,
    args: readonly unknown[],
  ): Promise<readonly Param[]> {
    if (args.length === 0 && parameters === 0) return []
    if (kind === 'direct') {
      checkParameterCount(args.length, parameters)
      return args.map((arg, index) => encode(arg, undefined, index))
    }
    const { catalog, connection, signal } = this.#surroundings
    const types = await catalog.parameters(text, connection, signal, !this.#hasRun)
    checkParameterCount(args.length, types.length)
    return args.map((arg, index) => encode(arg, types[index], index))
  }
}

async function declareCursor(
  connection: Connection,
  text: string,
  params: readonly Param[],
  signal: AbortSignal,
): Promise<void> {
  try {
    await connection.statement(declare + text, params, signal)
  } catch (thrown) {
    throw inOwnText(thrown, declare)
  }
}

function affectedBy({ command, affected }: Reply): number {
  return counted.test(command) ? affected : 0
}
