/** The words around the statements of a job: what begins its transaction, what ends it, and what is left behind. */
import type { Clock } from '../../lib/clock.ts'
import type { Connection } from './connection.ts'
import type { Reply } from './driver-reply.ts'

/** What a transaction sees of others. */
export type Isolation = 'read_committed' | 'repeatable_read' | 'serializable'

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
export function beginText(mode: Mode, timeLeftMs: number): string {
  const { readOnly } = mode
  const ms = limitOf(timeLeftMs)
  const limits = `statement_timeout=${ms}; SET LOCAL lock_timeout=${ms}; SET LOCAL idle_in_transaction_session_timeout=${ms}`
  return `${modeText(mode)}; SET LOCAL ${limits}${readOnly ? '; SELECT' : ''}`
}

/** What begins a transaction, and sets no limits. */
export function modeText({ isolation, readOnly }: Mode): string {
  const level = isolation === undefined ? '' : ` ISOLATION LEVEL ${isolation.replace('_', ' ').toUpperCase()}`
  return `BEGIN${level}${readOnly ? ' READ ONLY' : ''}`
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

/** The server's own limit for what has so much time left, in milliseconds. */
export function limitOf(timeLeftMs: number): number {
  return Math.min(longestMs, Math.ceil(Math.max(0, timeLeftMs)) + graceMs)
}

/** Whether an answer to somebody's statement tells that it began or ended a transaction. */
export function endsTransaction({ command }: Reply): boolean {
  return enders.test(command)
}

const enders = /^(?:BEGIN|START|COMMIT|ROLLBACK|PREPARE|SAVEPOINT|RELEASE)\b/

/** All that DISCARD ALL does, but for the statements that the driver has prepared, beside which there may be no others. */
const discardText = `CLOSE ALL; SET SESSION AUTHORIZATION DEFAULT; RESET ALL; UNLISTEN *; DISCARD TEMP; DISCARD SEQUENCES;
  SELECT pg_catalog.pg_advisory_unlock_all(); SELECT name FROM pg_catalog.pg_prepared_statements WHERE from_sql`

/** Leaves nothing in a session for its next tenant. Rejects as the connection does, and when somebody has prepared statements. */
export async function discardAll(connection: Connection, signal: AbortSignal): Promise<void> {
  const replies = await connection.control(connection.quick === undefined ? 'DISCARD ALL' : discardText, signal)
  const isForged = (replies.at(-1)?.rows.length ?? 0) > 0
  if (isForged) throw new Error('there are statements that somebody has prepared')
}

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
