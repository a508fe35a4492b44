/** SQL as a service: the statements of a job in one transaction, once only where that is asked for. */
import { JobError } from '../../errors.ts'
import { BoundedMap } from '../../lib/bounded-map.ts'
import type { Clock } from '../../lib/clock.ts'
import { restated, unsentError } from '../../lib/restated-error.ts'
import { Turns } from '../../lib/turns.ts'
import type { Connection } from './connection.ts'
import type { Database, Databases, Lease, SqlLimits } from './databases.ts'
import { type Claim, claimEffect, createEffects, isTableMissing, recordEffect } from './effects.ts'
import type { QuickExchange } from './quick-exchange.ts'
import { hasLostNames, NotQuick, QuickTransaction } from './quick-transaction.ts'
import { RowBudget } from './row-budget.ts'
import { ConnectionLost } from './server-error.ts'
import { isRefusal, sqlFailure } from './sql-failure.ts'
import { OpenTransaction, type SqlStatement, type SqlTransaction } from './statement.ts'
import { statementKind } from './statement-kind.ts'
import { Sweeper } from './sweeper.ts'
import { beginText, cleanUp, type Mode, rollBack } from './transaction.ts'

/** What a job asks for. */
export interface SqlJob extends Mode {
  readonly wanted: Parameters<Databases['resolve']>[0]
  readonly tenantId: string
  readonly assignmentId: string
  readonly signal: AbortSignal
  /** Milliseconds that the attempt has left. */
  readonly timeLeftMs: () => number
  /** A job that was done before gives the same output again, and does nothing. */
  readonly isOnceOnly: boolean
  /** At most, of all statements together; never more than the settings allow. */
  readonly maxRows: number | undefined
  /** Whether rows beyond the limits are left out instead of being an error. */
  readonly truncate: boolean
  /** How large the output may be at most as JSON, in bytes. */
  readonly maxOutputBytes: number
  readonly statements: readonly SqlStatement[]
}

type Work = (transaction: SqlTransaction) => Promise<unknown>

/** Runs statements. */
export interface Sql {
  readonly limits: SqlLimits
  /** Looks at a text, without asking any server. */
  read(text: string): SqlStatement
  /**
   * Has `work` done in a transaction that is kept when it resolves, and resolves with the same JSON; all is undone when
   * it rejects. It may be done once more when nothing was kept. Rejects with a JobError, which is `unsent` whenever nothing can have been kept.
   */
  transact(job: SqlJob, work: Work): Promise<unknown>
}

/** How long a connection that stood idle may take to answer, in milliseconds, before it counts as dead. */
const firstAnswerMs = 5000

/** How long a connection that has answered is taken to be alive, in milliseconds. */
const freshMs = 1000

/** When a connection last answered, in monotonic milliseconds. */
const answeredAt = new WeakMap<Connection, number>()

/** How many connections may turn out dead before that is an error. */
const mostDead = 3

/** The texts that jobs send again and again; sizes in characters. */
const rememberedStatements = { maxEntries: 1000, maxSize: 1_000_000, maxAgeMs: 600_000 }

/** Opens the service; the databases stay the caller's to close. */
export function openSql({ databases, clock }: { readonly databases: Databases; readonly clock: Clock }): Sql {
  const turns = new Turns()
  const sweeper = new Sweeper(clock)
  const statements = new BoundedMap<string, SqlStatement>(rememberedStatements, clock)

  async function transact(job: SqlJob, work: Work): Promise<unknown> {
    const database = databases.resolve(job.wanted, job.tenantId)
    const quickly = quickText(job)
    if (quickly !== undefined) {
      const lease = await database.lease(job.tenantId, job.signal, quickly).catch((thrown: unknown) => {
        throw failure(thrown, job, false)
      })
      if (lease.connection.quick === undefined) return usual(database, job, work, lease)
      const done = await quick(lease, lease.connection.quick, job, work)
      if (done !== undefined) return done.output
    }
    return usual(database, job, work)
  }

  /** Undefined when it has to be done in another transaction: nothing was. */
  async function quick(
    lease: Lease,
    exchange: QuickExchange,
    job: SqlJob,
    work: Work,
  ): Promise<{ readonly output: unknown } | undefined> {
    const { connection, catalog } = lease
    const { signal, timeLeftMs } = job
    const given = {
      quick: exchange,
      connection,
      catalog,
      mode: job,
      signal,
      clock,
      turns,
      budget: budgetOf(job),
      timeLeftMs,
    }
    try {
      const output = await work(new QuickTransaction(given))
      checkSize(output, job, given.budget)
      return { output }
    } catch (thrown) {
      if (!(thrown instanceof NotQuick)) throw failure(thrown, job, false)
      if (hasLostNames(thrown)) lease.stopQuick()
      return undefined
    } finally {
      await lease[Symbol.asyncDispose]()
    }
  }

  async function usual(database: Database, job: SqlJob, work: Work, first?: Lease): Promise<unknown> {
    const lease = await begun(database, job, clock, first)
    const { connection } = lease
    const transaction = transactionOn(lease, job)
    let isSent = false
    try {
      const claim = job.isOnceOnly ? await claimOn(connection, job, clock) : undefined
      if (claim?.kind === 'had') {
        await rollBack(connection, clock)
        return claim.output
      }
      const output = await work(transaction)
      checkSize(output, job, transaction.budget)
      if (claim !== undefined) await recordEffect(connection, claim.table, job, output, job.signal)
      job.signal.throwIfAborted()
      isSent = true
      await connection.control('COMMIT', job.signal)
      // What was kept is told at once: the next user of the connection waits until its session is clean, the job does not.
      lease.giveBack(settle(lease, claim?.table))
      return output
    } catch (thrown) {
      await rollBack(connection, clock)
      throw failure(thrown, job, (isSent && !isRefusal(thrown)) || transaction.hasEscaped)
    } finally {
      await lease[Symbol.asyncDispose]()
    }
  }

  /** Cleans the session behind a job. Never rejects. */
  async function settle(lease: Lease, table: string | undefined): Promise<void> {
    await cleanUp(lease.connection, clock)
    if (table !== undefined && lease.connection.isSound) await sweeper.sweep(lease, table)
  }

  function transactionOn({ connection, catalog }: Lease, job: SqlJob): OpenTransaction {
    const { signal, timeLeftMs, statements, isOnceOnly } = job
    const budget = budgetOf(job)
    const mayRestart = statements.length === 1 && !isOnceOnly
    const restart = mayRestart ? () => beginAgain(connection, job) : undefined
    return new OpenTransaction({ connection, catalog, signal, clock, turns, budget, timeLeftMs, restart })
  }

  function budgetOf({ maxRows, truncate }: SqlJob): RowBudget {
    const { maxRows: allowed, maxOutputBytes: maxBytes } = databases.limits
    return new RowBudget({ maxRows: Math.min(maxRows ?? allowed, allowed), maxBytes, truncate })
  }

  function read(text: string): SqlStatement {
    const known = statements.get(text)
    if (known !== undefined) return known
    const statement = { text, kind: statementKind(text) }
    statements.set(text, statement, text.length)
    return statement
  }

  return { limits: databases.limits, read, transact }
}

/** The query of a job that is nothing else, when it may be known to touch nothing. */
function quickText({ statements, isOnceOnly }: SqlJob): string | undefined {
  const [only] = statements
  if (only === undefined || statements.length > 1 || isOnceOnly) return undefined
  const { text, kind } = only
  return kind.kind === 'rows' && kind.isPlain && kind.parameters > 0 ? text : undefined
}

/** A connection on which a transaction has begun. One that turns out dead is replaced: nothing was done on it. */
async function begun(database: Database, job: SqlJob, clock: Clock, first?: Lease): Promise<Lease> {
  for (let dead = 0; ; dead++) {
    let lease = dead === 0 ? first : undefined
    try {
      lease ??= await database.lease(job.tenantId, job.signal)
      await begin(lease.connection, job, clock)
      return lease
    } catch (thrown) {
      if (lease !== undefined) await rollBack(lease.connection, clock)
      await lease?.[Symbol.asyncDispose]()
      if (!(thrown instanceof ConnectionLost) || dead === mostDead) throw failure(thrown, job, false)
    }
  }
}

/** A connection that stood idle may be dead without anybody knowing: when it does not answer it is ended, and with it the wait. */
async function begin(connection: Connection, job: SqlJob, clock: Clock): Promise<void> {
  const idleMs = clock.monotonic() - (answeredAt.get(connection) ?? Number.NEGATIVE_INFINITY)
  const limit = idleMs < freshMs ? undefined : clock.after(firstAnswerMs, () => connection.discard())
  try {
    await connection.control(beginText(job, job.timeLeftMs()), job.signal)
    answeredAt.set(connection, clock.monotonic())
  } finally {
    limit?.cancel()
  }
}

async function beginAgain(connection: Connection, job: SqlJob): Promise<void> {
  await connection.control(`ROLLBACK; ${beginText(job, job.timeLeftMs())}`, job.signal)
}

/** The table is created by whoever needs it first, before the transaction and not in it: others would wait for its end. */
async function claimOn(connection: Connection, job: SqlJob, clock: Clock): Promise<Claim> {
  try {
    return await claimEffect(connection, job, job.signal)
  } catch (thrown) {
    if (!isTableMissing(thrown)) throw thrown
  }
  await rollBack(connection, clock)
  await createEffects(connection, job.signal)
  await begin(connection, job, clock)
  return claimEffect(connection, job, job.signal)
}

/** Beside rows and columns an output has so much for each statement, in bytes of JSON, and rather more. */
const besideRows = 200

/** Whoever gives the output on would refuse it only when it was kept. */
function checkSize(output: unknown, { maxOutputBytes: max, statements }: SqlJob, { taken }: RowBudget): void {
  if (taken + statements.length * besideRows <= max) return
  if (Buffer.byteLength(JSON.stringify(output)) <= max) return
  throw new JobError('OUTPUT_TOO_LARGE', 'The output is larger than is allowed', { details: { limit: 'bytes', max } })
}

/** `mayBeKept`: nobody knows whether the transaction was. */
function failure(thrown: unknown, { signal, timeLeftMs }: SqlJob, mayBeKept: boolean): JobError {
  if (signal.aborted) return mayBeKept ? JobError.from(thrown) : unsentError(thrown)
  const error = sqlFailure(thrown, { timeLeftMs: timeLeftMs(), unsent: !mayBeKept })
  return error.unsent === !mayBeKept ? error : restated(error, { unsent: !mayBeKept })
}
