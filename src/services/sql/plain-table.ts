/** Queries that can run nobody's function: columns of an ordinary table, found by comparing columns. */
import type { Connection } from './connection.ts'

const name = '[a-z_][a-z0-9_]*'
const column = `${name}(?:\\s+as\\s+${name})?`
const value = '(?:\\$\\d{1,5}|\\d{1,9})'
/** The name of the table itself would be a whole row, for which there may be operators and casts of its owner's. */
const condition = `(?!\\2\\s*=)${name}\\s*=\\s*${value}`

/** Nothing of it can be a call: `a.b` could be one, and what is quoted is not looked at. */
const query = new RegExp(
  `^\\s*select\\s+(?:\\*|${column}(?:\\s*,\\s*${column})*)\\s+from\\s+((?:${name}\\.)?(${name}))(?:\\s+where\\s+${condition}(?:\\s+and\\s+${condition})*)?\\s*$`,
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
 * of the server's own types; the server's own operators come first, and nothing of somebody else's compares these types or
 * is run to plan the query, as constant parts of what an index is of are. It tells the table and its columns from all
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

/** The OID of the table that was told so. */
export function oidOf(print: string): string {
  return print.slice(0, print.indexOf(':'))
}

const equals = 'OPERATOR(pg_catalog.=)'
const own = "'pg_catalog'::pg_catalog.regnamespace"
/** What the server has not brought along has this OID, or a later one. */
const firstMade = "'16384'::pg_catalog.oid"

function oidsOf(...catalogs: readonly string[]): string {
  return `ANY (ARRAY[${catalogs.map((each) => `pg_catalog.to_regclass('pg_catalog.${each}')::pg_catalog.oid`).join(', ')}])`
}

/** Made for any type of the server's own, with which it may be preferred to the server's. */
const comparison = `SELECT FROM pg_catalog.pg_operator AS o WHERE o.oprname ${equals} '='::pg_catalog.name
  AND o.oprnamespace OPERATOR(pg_catalog.<>) ${own} AND o.oprleft OPERATOR(pg_catalog.<) ${firstMade}`

/** Made for a type of a column that cannot be compared as it is. */
const cast = `SELECT FROM pg_catalog.pg_attribute AS a JOIN pg_catalog.pg_cast AS k ON k.castsource ${equals} a.atttypid
  WHERE a.attrelid ${equals} c.oid AND k.castcontext ${equals} 'i'::"char" AND k.casttarget OPERATOR(pg_catalog.>=) ${firstMade}
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_operator AS o WHERE o.oprname ${equals} '='::pg_catalog.name
      AND o.oprleft ${equals} a.atttypid AND o.oprright ${equals} a.atttypid)`

/** An index, a constraint or a statistic that needs what somebody has made; on the server's own nothing is said to depend. */
const part = `SELECT FROM pg_catalog.pg_depend AS part
  JOIN pg_catalog.pg_depend AS needs ON needs.classid ${equals} part.classid AND needs.objid ${equals} part.objid
  WHERE part.refclassid ${equals} ${oidsOf('pg_class')} AND part.refobjid ${equals} c.oid
    AND part.classid ${equals} ${oidsOf('pg_class', 'pg_constraint', 'pg_statistic_ext')}
    AND needs.refclassid ${equals} ${oidsOf('pg_proc', 'pg_operator', 'pg_type')}`

function question(table: string): string {
  const columns = `SELECT pg_catalog.string_agg(pg_catalog.concat(a.attnum, ' ', a.atttypid, ' ', a.attname), ', ' ORDER BY a.attnum)
      FROM pg_catalog.pg_attribute AS a WHERE a.attrelid ${equals} c.oid AND a.attnum OPERATOR(pg_catalog.>) 0`
  return `SELECT pg_catalog.concat(c.oid, ': ', (${columns}))
    FROM pg_catalog.pg_class AS c WHERE c.oid ${equals} pg_catalog.to_regclass('${table}')
      AND c.relkind ${equals} 'r' AND NOT c.relhasrules AND NOT c.relrowsecurity AND NOT c.relhassubclass
      AND (pg_catalog.current_schemas(true))[1] ${equals} 'pg_catalog'::pg_catalog.name
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_attribute AS a JOIN pg_catalog.pg_type AS t ON t.oid ${equals} a.atttypid
        WHERE a.attrelid ${equals} c.oid AND a.attnum OPERATOR(pg_catalog.>) 0 AND t.typnamespace OPERATOR(pg_catalog.<>) ${own})
      AND NOT EXISTS (${part}) AND NOT EXISTS (${comparison}) AND NOT EXISTS (${cast})`
}
