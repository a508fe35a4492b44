import { builtinTypes } from './builtin-types.ts'
import type { Connection } from './connection.ts'
import { type TypeInfo, unknownType } from './type-info.ts'

/** A row of the catalog: the OIDs of what a type is made of are zero where it is made of nothing. */
interface Entry {
  readonly schema: string
  readonly name: string
  readonly base: number
  readonly element: number
  readonly delimiter: string
}

/** Domains over arrays of domains and so on: deeper than anybody goes, and an end for a server that answers in circles. */
const deepest = 32

/**
 * The types with these OIDs, as the server's catalog has them. One that it does not know is left out. It works inside a
 * user's transaction, whatever the search path is there.
 */
export async function lookUpTypes(
  oids: readonly number[],
  connection: Connection,
  signal: AbortSignal,
): Promise<ReadonlyMap<number, TypeInfo>> {
  const [reply] = await connection.control(question(oids), signal)
  const entries = new Map((reply?.rows ?? []).map((row) => [Number(row[0]), entryOf(row)]))
  return new Map(oids.filter((oid) => entries.has(oid)).map((oid) => [oid, typeOf(oid, entries)]))
}

function entryOf([, schema, name, base, element, delimiter]: readonly (string | null)[]): Entry {
  return {
    schema: schema ?? '',
    name: name ?? unknownType.name,
    base: Number(base),
    element: Number(element),
    delimiter: delimiter || ',',
  }
}

function typeOf(oid: number, entries: ReadonlyMap<number, Entry>, depth = 0): TypeInfo {
  const builtin = builtinTypes.get(oid)
  const entry = entries.get(oid)
  if (builtin !== undefined || entry === undefined || depth > deepest) return builtin ?? unknownType
  if (entry.element > 0) {
    const element = typeOf(entry.element, entries, depth + 1)
    return { form: 'array', name: `${element.name}[]`, element, delimiter: entry.delimiter }
  }
  const name = fullName(entry)
  return entry.base > 0 ? { ...typeOf(entry.base, entries, depth + 1), name } : { form: 'text', name }
}

/** As format_type writes it under the default search path, so that it does not change with what a job has set. */
function fullName({ schema, name }: Entry): string {
  return schema === 'pg_catalog' || schema === 'public' ? name : `${schema}.${name}`
}

/**
 * Everything is qualified, operators too, so that no schema of the search path can step in. Some types have an element
 * and are no arrays: an array is what its element names as its array.
 */
function question(oids: readonly number[]): string {
  return `
    WITH RECURSIVE needed(oid) AS (
        SELECT pg_catalog.unnest('{${oids.join(',')}}'::pg_catalog.oid[])
      UNION
        SELECT part.oid
        FROM needed
        JOIN pg_catalog.pg_type AS whole ON whole.oid OPERATOR(pg_catalog.=) needed.oid
        CROSS JOIN LATERAL (VALUES (whole.typbasetype), (whole.typelem)) AS part(oid)
        WHERE part.oid OPERATOR(pg_catalog.>) '0'::pg_catalog.oid
    )
    SELECT
      type.oid::pg_catalog.text,
      pg_catalog.quote_ident(schema.nspname::pg_catalog.text),
      pg_catalog.quote_ident(type.typname::pg_catalog.text),
      type.typbasetype::pg_catalog.text,
      element.oid::pg_catalog.text,
      element.typdelim::pg_catalog.text
    FROM needed
    JOIN pg_catalog.pg_type AS type ON type.oid OPERATOR(pg_catalog.=) needed.oid
    JOIN pg_catalog.pg_namespace AS schema ON schema.oid OPERATOR(pg_catalog.=) type.typnamespace
    LEFT JOIN pg_catalog.pg_type AS element ON element.oid OPERATOR(pg_catalog.=) type.typelem
      AND element.typarray OPERATOR(pg_catalog.=) type.oid`
}
