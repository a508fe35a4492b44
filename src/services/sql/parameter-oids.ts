import { randomBytes } from 'node:crypto'
import type { Connection } from './connection.ts'
import { inOwnText } from './server-error.ts'

/**
 * The OIDs of a statement's parameters, as PREPARE finds them. A fault in the statement rejects as the ServerError of its
 * own text.
 */
export async function parameterOids(
  text: string,
  connection: Connection,
  signal: AbortSignal,
): Promise<readonly number[]> {
  // A name that nobody can have taken before: a function may prepare statements too, and they outlive a transaction.
  const name = `beamline_${randomBytes(12).toString('hex')}`
  const before = `PREPARE ${name} AS `
  try {
    await connection.statement(before + text, [], signal)
  } catch (error) {
    throw inOwnText(error, before)
  }
  const [types] = await connection.control(`${question(name)}; DEALLOCATE ${name}`, signal)
  return [...(types?.rows[0]?.[0] ?? '').matchAll(/\d{1,10}/g)].map(([oid]) => Number(oid))
}

/** Everything is qualified, so that no schema of the user's search path can step in. */
function question(name: string): string {
  return `SELECT parameter_types::pg_catalog.oid[]::pg_catalog.text FROM pg_catalog.pg_prepared_statements
    WHERE name OPERATOR(pg_catalog.=) '${name}'::pg_catalog.text`
}
