/** The words around the statements of a job: what begins its transaction, what ends it, and what is left behind. */
import type { Clock } from '../../lib/clock.ts'
import type { Connection, Reply } from './connection.ts'

/** What a transaction sees of others. */
type Isolation = 'read_committed' | 'repeatable_read' | 'serializable'

/** How a transaction is begun. */
export interface Mode {
  /** The database's own unless it is said. */
  readonly isolation?: Isolation | undefined
  readonly readOnly: boolean
}

/** The server's own limits stand behind ours: it cancels by itself when nobody is there any more to ask it. */
const graceMs = 250

/** The longest limit that the server knows, in milliseconds. */
const longestMs = 2 ** 31 - 1

/** How long a session may take to be cleaned after a failure, in milliseconds, before it is ended instead. */
const cleaningMs = 300

/** Nothing of a session that was changed stays for the next job of the same tenant. */
const cleanText =
  'RESET SESSION AUTHORIZATION; RESET ALL; CLOSE ALL; DEALLOCATE ALL; UNLISTEN *; DISCARD TEMP; DISCARD SEQUENCES; SELECT pg_catalog.pg_advisory_unlock_all()'

/**
 * What begins a transaction that has so much time left. One that only reads looks at the database at once: from then on
 * the server does not let it be changed into one that writes.
 */
export function beginText({ isolation, readOnly }: Mode, timeLeftMs: number): string {
  const level = isolation === undefined ? '' : ` ISOLATION LEVEL ${isolation.replace('_', ' ').toUpperCase()}`
  const ms = limitOf(timeLeftMs)
  const mode = `${level}${readOnly ? ' READ ONLY' : ''}`
  const limits = `statement_timeout=${ms}; SET LOCAL lock_timeout=${ms}; SET LOCAL idle_in_transaction_session_timeout=${ms}`
  return `BEGIN${mode}; SET LOCAL ${limits}${readOnly ? '; SELECT' : ''}`
}

/**
 * What sets the limits again that statements before may have lifted; shorter ones stay. Everything is qualified, so that
 * no schema of the search path can step in.
 */
export function limitText(timeLeftMs: number): string {
  const ms = limitOf(timeLeftMs)
  const now = 'pg_catalog.current_setting(name)::pg_catalog.interval'
  const isShort = `${now} OPERATOR(pg_catalog.>) '0'::pg_catalog.interval AND ${now} OPERATOR(pg_catalog.<=) '${ms}ms'::pg_catalog.interval`
  return `SELECT pg_catalog.set_config(name, '${ms}', true) FROM (VALUES ('statement_timeout'), ('lock_timeout'),
    ('idle_in_transaction_session_timeout')) AS limits (name) WHERE NOT (${isShort})`
}

function limitOf(timeLeftMs: number): number {
  return Math.min(longestMs, Math.ceil(Math.max(0, timeLeftMs)) + graceMs)
}

/** Whether an answer to somebody's statement tells that it began or ended a transaction. */
export function endsTransaction({ command }: Reply): boolean {
  return enders.test(command)
}

const enders = /^(?:BEGIN|START|COMMIT|ROLLBACK|PREPARE|SAVEPOINT|RELEASE)\b/

/** Undoes a transaction and cleans its session; a session for which that fails or takes too long is not used again. Never rejects. */
export function rollBack(connection: Connection, clock: Clock): Promise<void> {
  return tidy(connection, `ROLLBACK; ${cleanText}`, clock)
}

/** Cleans a session whose transaction was kept, as rollBack does. */
export function cleanUp(connection: Connection, clock: Clock): Promise<void> {
  return tidy(connection, cleanText, clock)
}

async function tidy(connection: Connection, text: string, clock: Clock): Promise<void> {
  if (!connection.isSound) return
  const limit = new AbortController()
  const timer = clock.after(cleaningMs, () => limit.abort())
  try {
    await connection.control(text, limit.signal)
  } catch {
    connection.discard()
  } finally {
    timer.cancel()
  }
}
