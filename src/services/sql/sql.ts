/** SQL as a service: the statements of a job in one transaction, once only where that is asked for. */
import { JobError } from '../../errors.ts'
import { BoundedMap } from '../../lib/bounded-map.ts'
import type { Clock } from '../../lib/clock.ts'
import { restated, unsentError } from '../../lib/restated-error.ts'
import { Turns } from '../../lib/turns.ts'
import type { Connection } from './connection.ts'
import type { Database, Databases, Lease, SqlLimits } from './databases.ts'
import { type Claim, claimEffect, createEffects, isTableMissing, recordEffect } from './effects.ts'
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

/** Runs statements. */
export interface Sql {
  readonly limits: SqlLimits
  /** Looks at a text, without asking any server. */
  read(text: string): SqlStatement
  /**
   * Has `work` done in a transaction that is kept when it resolves, and resolves with the same JSON; all is undone when
   * it rejects. Rejects with a JobError, which is `unsent` whenever nothing can have been kept.
   */
  transact(job: SqlJob, work: (transaction: SqlTransaction) => Promise<unknown>): Promise<unknown>
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

  async function transact(job: SqlJob, work: (transaction: SqlTransaction) => Promise<unknown>): Promise<unknown> {
    const database = databases.resolve(job.wanted, job.tenantId)
    const lease = await begun(database, job, clock)
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
      checkSize(output, job)
      if (claim !== undefined) await recordEffect(connection, claim.table, job, output, job.signal)
      job.signal.throwIfAborted()
      isSent = true
      await connection.control('COMMIT', job.signal)
      // What was kept is told at once: the next user of the connection waits until its session is clean, the job does not.
      if (claim !== undefined || !transaction.isUntouched) lease.giveBack(settle(lease, claim?.table))
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
    const { maxRows, truncate, signal, timeLeftMs, statements, isOnceOnly } = job
    const { maxRows: allowed, maxOutputBytes: maxBytes } = databases.limits
    const budget = new RowBudget({ maxRows: Math.min(maxRows ?? allowed, allowed), maxBytes, truncate })
    const mayRestart = statements.length === 1 && !isOnceOnly
    const restart = mayRestart ? () => beginAgain(connection, job) : undefined
    return new OpenTransaction({ connection, catalog, signal, clock, turns, budget, timeLeftMs, restart })
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

/** A connection on which a transaction has begun. One that turns out dead is replaced: nothing was done on it. */
async function begun(database: Database, job: SqlJob, clock: Clock): Promise<Lease> {
  for (let dead = 0; ; dead++) {
    let lease: Lease | undefined
    try {
      lease = await database.lease(job.tenantId, job.signal)
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

/** Whoever gives the output on would refuse it only when it was kept. */
function checkSize(output: unknown, { maxOutputBytes: max }: SqlJob): void {
  if (Buffer.byteLength(JSON.stringify(output)) <= max) return
  throw new JobError('OUTPUT_TOO_LARGE', 'The output is larger than is allowed', { details: { limit: 'bytes', max } })
}

/** `mayBeKept`: nobody knows whether the transaction was. */
function failure(thrown: unknown, { signal, timeLeftMs }: SqlJob, mayBeKept: boolean): JobError {
  if (signal.aborted) return mayBeKept ? JobError.from(thrown) : unsentError(thrown)
  const error = sqlFailure(thrown, { timeLeftMs: timeLeftMs(), unsent: !mayBeKept })
  return error.unsent === !mayBeKept ? error : restated(error, { unsent: !mayBeKept })
}
