/** Queries that can run nobody's function: columns of an ordinary table, found by comparing columns. */
import type { Connection } from './connection.ts'

const name = '[a-z_][a-z0-9_]*'
const column = `${name}(?:\\s+as\\s+${name})?`
const value = '(?:\\$\\d{1,5}|\\d{1,9})'
const condition = `${name}\\s*=\\s*${value}`

/** Nothing of it can be a call: `a.b` could be one, and what is quoted is not looked at. */
const query = new RegExp(
  `^\\s*select\\s+(?:\\*|${column}(?:\\s*,\\s*${column})*)\\s+from\\s+(${name}(?:\\.${name})?)(?:\\s+where\\s+${condition}(?:\\s+and\\s+${condition})*)?\\s*$`,
  'i',
)

/** Longer ones are not looked at. */
const longest = 4000

/** The table that such a query reads, as it is written there; undefined for every other query. */
export function plainTable(text: string): string | undefined {
  return text.length > longest ? undefined : query.exec(text)?.[1]
}

/**
 * What a table is that runs nothing when it is read: no view, no rules, no row security, none below it, and all its columns
 * of the server's own types; and the server's own operators come first. It tells the table and its columns from all
 * others; undefined for every other relation.
 */
export async function plainPrint(
  table: string,
  connection: Connection,
  signal: AbortSignal,
): Promise<string | undefined> {
  const [reply] = await connection.control(question(table), signal)
  return reply?.rows[0]?.[0] ?? undefined
}

function question(table: string): string {
  const equals = 'OPERATOR(pg_catalog.=)'
  const own = "'pg_catalog'::pg_catalog.regnamespace"
  const columns = `SELECT pg_catalog.string_agg(pg_catalog.concat(a.attnum, ' ', a.atttypid, ' ', a.attname), ', ' ORDER BY a.attnum)
      FROM pg_catalog.pg_attribute AS a WHERE a.attrelid ${equals} c.oid AND a.attnum OPERATOR(pg_catalog.>) 0`
  return `SELECT pg_catalog.concat(c.oid, ': ', (${columns}))
    FROM pg_catalog.pg_class AS c WHERE c.oid ${equals} pg_catalog.to_regclass('${table}')
      AND c.relkind ${equals} 'r' AND NOT c.relhasrules AND NOT c.relrowsecurity AND NOT c.relhassubclass
      AND (pg_catalog.current_schemas(true))[1] ${equals} 'pg_catalog'::pg_catalog.name
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_attribute AS a JOIN pg_catalog.pg_type AS t ON t.oid ${equals} a.atttypid
        WHERE a.attrelid ${equals} c.oid AND a.attnum OPERATOR(pg_catalog.>) 0 AND t.typnamespace OPERATOR(pg_catalog.<>) ${own})`
}
