/** How a database's no becomes the error of a job. */
import { JobError } from '../../errors.ts'
import { ConnectionLost, ServerError } from './server-error.ts'

/** What the error depends on beside what was thrown. */
interface Circumstances {
  /** Milliseconds that the attempt has left: a statement that the server ended when there were none ran out of time. */
  readonly timeLeftMs: number
  /** Of several statements the one that failed, from 0. */
  readonly statement?: number | undefined
  /** Nothing of the transaction can have been kept. */
  readonly unsent: boolean
}

/** A transaction that another one stood in the way of: the server kept nothing of it and says so. */
const repeatable: ReadonlySet<string> = new Set(['40001', '40P01'])

const readOnly = '25006'

/** A statement that was cancelled, and a lock that was not waited for any longer. */
const cutShort: ReadonlySet<string> = new Set(['57014', '55P03'])

/** The server ends the session: it is shut down, or the session did nothing for too long. */
const sessionEnds = /^(?:08...|57P0.|25P03)$/

const longestMessage = 500

/** Whether the server did not let a statement come to its end. */
export function isCutShort(thrown: unknown): boolean {
  return thrown instanceof ServerError && cutShort.has(thrown.sqlState)
}

/** Whether a server that was asked to keep a transaction said that it did not; one that was cut short says nothing of it. */
export function isRefusal(thrown: unknown): boolean {
  return thrown instanceof ServerError && !cutShort.has(thrown.sqlState) && !sessionEnds.test(thrown.sqlState)
}

/** Whatever was thrown while a database was used, as the JobError that says so. */
export function sqlFailure(thrown: unknown, circumstances: Circumstances): JobError {
  if (thrown instanceof ServerError) return serverFailure(thrown, circumstances)
  if (!(thrown instanceof ConnectionLost)) return JobError.from(thrown)
  const { statement, unsent } = circumstances
  return new JobError('DB_CONNECTION_ERROR', 'The connection to the database was lost', {
    details: present({ reason: thrown.reason, sql_state: thrown.sqlState, statement }),
    unsent,
    cause: thrown,
  })
}

function serverFailure(error: ServerError, { timeLeftMs, statement, unsent }: Circumstances): JobError {
  const { sqlState } = error
  const state = { cause: error, unsent, details: present({ sql_state: sqlState, statement }) }
  if (cutShort.has(sqlState) && timeLeftMs <= 0) {
    return new JobError('TIMEOUT', 'The statement did not end within the time limit of the job', state)
  }
  if (sessionEnds.test(sqlState)) {
    return new JobError('DB_CONNECTION_ERROR', 'The server ended the connection to the database', state)
  }
  if (sqlState === readOnly) {
    const details = { ...state.details, reason: 'read_only' }
    return new JobError('PERMISSION_DENIED', 'Only reading is allowed here', { ...state, details })
  }
  return new JobError('DB_QUERY_ERROR', 'The database refused the query', {
    cause: error,
    unsent,
    retry: repeatable.has(sqlState) ? 'backoff' : 'never',
    details: present({
      sql_state: sqlState,
      constraint: error.constraint,
      table: error.table,
      column: error.column,
      schema: error.schema,
      data_type: error.dataType,
      position: error.position,
      statement,
      server_message: error.message.slice(0, longestMessage).toWellFormed(),
    }),
  })
}

function present(fields: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}
