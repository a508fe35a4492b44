/** The effects that are had once only: a row for each job, written in the transaction of its statements. */
import { JobError } from '../../errors.ts'
import type { Connection } from './connection.ts'
import { ServerError } from './server-error.ts'

/** Whose effect it is. */
export interface EffectKey {
  readonly tenantId: string
  readonly assignmentId: string
}

/** What became of the claim to an effect: it is ours to have, or somebody had it. */
export type Claim =
  /** The table's name, qualified and quoted. */
  { readonly kind: 'ours'; readonly table: string } | { readonly kind: 'had'; readonly output: unknown }

const keptDays = 30
/** How many old rows go at once. */
const bite = 1000

/**
 * The second index, by age, is a constraint so that it comes with the table: CREATE INDEX IF NOT EXISTS on a table that is
 * there waits for every job under way, and all later ones wait behind it.
 */
const create = `CREATE TABLE IF NOT EXISTS beamline_effects (
  tenant_id text NOT NULL,
  assignment_id text NOT NULL,
  output text,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, assignment_id),
  CONSTRAINT beamline_effects_created_at UNIQUE (created_at, tenant_id, assignment_id)
)`

/** Waits for a transaction that has claimed the same. A statement after it may change where names are looked up. */
const claim = `INSERT INTO beamline_effects AS effect (tenant_id, assignment_id) VALUES ($1, $2)
ON CONFLICT DO NOTHING RETURNING (
  SELECT pg_catalog.format('%I.%I', n.nspname, c.relname)
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = effect.tableoid
)`
const find = 'SELECT output FROM beamline_effects WHERE tenant_id = $1 AND assignment_id = $2'

const noTable = '42P01'
const notAllowed = '42501'
/** Somebody else was creating it at the same moment. */
const createdElsewhere: ReadonlySet<string> = new Set(['23505', '42P07', '42710'])

/** Whether an error says that there is no table yet. */
export function isTableMissing(thrown: unknown): boolean {
  return thrown instanceof ServerError && thrown.sqlState === noTable
}

/** Creates the table, outside a transaction. Rejects with PERMISSION_DENIED, which says what is needed. */
export async function createEffects(connection: Connection, signal: AbortSignal): Promise<void> {
  try {
    await connection.control(create, signal)
  } catch (thrown) {
    if (thrown instanceof ServerError && createdElsewhere.has(thrown.sqlState)) return
    throw explained(thrown, 'CREATE on the schema, or the table made by somebody who may')
  }
}

/**
 * Claims an effect at the beginning of a transaction, which it belongs to. Rejects with PERMISSION_DENIED when the table
 * may not be used, and as the connection does.
 */
export async function claimEffect(
  connection: Connection,
  { tenantId, assignmentId }: EffectKey,
  signal: AbortSignal,
): Promise<Claim> {
  const key = [tenantId, assignmentId]
  try {
    const claimed = await connection.statement(claim, key, signal)
    const [table] = claimed.rows[0] ?? []
    if (typeof table === 'string') return { kind: 'ours', table }
    const found = await connection.statement(find, key, signal)
    const [output] = found.rows[0] ?? []
    if (typeof output === 'string') return { kind: 'had', output: JSON.parse(output) as unknown }
  } catch (thrown) {
    throw explained(thrown, 'SELECT, INSERT, UPDATE and DELETE on the table')
  }
  throw new JobError('DATA_CORRUPT', 'The record of an effect that was had is not whole', { unsent: true })
}

/** Writes down what the effect gave, for whoever claims it again. Names are looked up as nobody's statement may change it. */
export async function recordEffect(
  connection: Connection,
  table: string,
  { tenantId, assignmentId }: EffectKey,
  output: unknown,
  signal: AbortSignal,
): Promise<void> {
  const text = `UPDATE ${table} SET output = $3
    WHERE tenant_id OPERATOR(pg_catalog.=) $1 AND assignment_id OPERATOR(pg_catalog.=) $2`
  // A statement may have changed who the session is.
  await connection.control('RESET SESSION AUTHORIZATION', signal)
  const { affected } = await connection.statement(text, [tenantId, assignmentId, JSON.stringify(output)], signal)
  if (affected !== 1) throw new JobError('DATA_CORRUPT', 'A statement removed the record of its own effect')
}

/** Removes some rows that are older than anything is delivered again, outside a transaction; resolves with whether there are more. */
export async function sweepEffects(connection: Connection, table: string, signal: AbortSignal): Promise<boolean> {
  const replies = await connection.control(
    `DELETE FROM ${table} WHERE ctid = ANY (ARRAY (
      SELECT ctid FROM ${table} WHERE created_at < now() - interval '${keptDays} days' LIMIT ${bite} FOR UPDATE SKIP LOCKED
    ))`,
    signal,
  )
  return replies[0]?.affected === bite
}

function explained(thrown: unknown, needs: string): unknown {
  if (!(thrown instanceof ServerError) || thrown.sqlState !== notAllowed) return thrown
  return new JobError('PERMISSION_DENIED', 'The database user may not use the table of effects', {
    details: { reason: 'effects_table', table: 'beamline_effects', needs, sql_state: notAllowed },
    unsent: true,
    cause: thrown,
  })
}
