import { BoundedMap } from '../../lib/bounded-map.ts'
import type { Clock } from '../../lib/clock.ts'
import { builtinTypes } from './builtin-types.ts'
import type { Connection } from './connection.ts'
import { KnownQueries } from './known-queries.ts'
import { parameterOids } from './parameter-oids.ts'
import { type TypeInfo, unknownType } from './type-info.ts'
import { lookUpTypes } from './type-lookup.ts'

/** How many types are remembered, beside those that every server has. */
const maxTypes = 10_000
/** How long, so that a name that was changed is seen again. */
const typeAgeMs = 600_000
/** How many statements are remembered, and how many characters of them. */
const maxStatements = 1000
const maxStatementsSize = 4_000_000
/** How long, so that a statement is not for ever held against types that its parameters had once. */
const statementAgeMs = 60_000

/**
 * What is known of a database's types and statements. It asks on the connection that it is given, inside the transaction
 * that is open there: what fails there has aborted it.
 */
export interface Catalog {
  /** The types with these OIDs, every one of them; what the server does not know is a text. */
  types(oids: readonly number[], connection: Connection, signal: AbortSignal): Promise<ReadonlyMap<number, TypeInfo>>
  /**
   * The types of a statement's parameters, in order. The statement must be one that PREPARE takes; a fault in it rejects
   * as the ServerError that running it would give, with the position in its own text. `isFirst` says that no other
   * statement of a user ran in this transaction: one may have changed the search path or made temporary tables, so what
   * comes after it is asked for anew, and not remembered.
   */
  parameters(text: string, connection: Connection, signal: AbortSignal, isFirst?: boolean): Promise<readonly TypeInfo[]>
  /** Queries that are certain to leave their session as it was. */
  readonly queries: KnownQueries
  /** Remembers what a query that touches nothing gave, by the OIDs of its columns, so that it may be quick the next time. */
  foundFew(text: string, columns: readonly number[]): void
  /** Whether a statement is known to give many rows. */
  hasMany(text: string): boolean
  /** Remembers that a statement gave many rows. */
  foundMany(text: string): void
  /** Has a statement's parameters asked for anew the next time, for when an error says that they have changed. */
  forget(text: string): void
}

/** A catalog that knows nothing yet but what every server has; one for each pool. */
export function openCatalog(clock: Clock): Catalog {
  const known = new BoundedMap<number, TypeInfo>({ maxEntries: maxTypes, maxAgeMs: typeAgeMs }, clock)
  const statements = new BoundedMap<string, readonly number[]>(
    { maxEntries: maxStatements, maxAgeMs: statementAgeMs, maxSize: maxStatementsSize },
    clock,
  )

  const bounds = { maxEntries: maxStatements, maxAgeMs: statementAgeMs, maxSize: maxStatementsSize }
  const queries = new KnownQueries(clock)
  const many = new BoundedMap<string, true>(bounds, clock)

  async function types(
    oids: readonly number[],
    connection: Connection,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<number, TypeInfo>> {
    const found = new Map<number, TypeInfo>()
    for (const oid of oids) {
      const type = builtinTypes.get(oid) ?? known.get(oid)
      if (type !== undefined) found.set(oid, type)
    }
    const wanted = [...new Set(oids)].filter((oid) => !found.has(oid))
    if (wanted.length === 0) return found
    const added = await lookUpTypes(wanted, connection, signal)
    for (const oid of wanted) {
      const type = added.get(oid)
      if (type !== undefined) known.set(oid, type)
      found.set(oid, type ?? unknownType)
    }
    return found
  }

  return {
    types,
    async parameters(text, connection, signal, isFirst = true) {
      const remembered = isFirst ? statements.get(text) : undefined
      const oids = remembered ?? (await parameterOids(text, connection, signal))
      const found = await types(oids, connection, signal)
      const list = oids.map((oid) => found.get(oid) ?? unknownType)
      if (isFirst && remembered === undefined && list.every(isPlain)) statements.set(text, oids, text.length)
      return list
    },
    queries,
    foundFew(text, columns) {
      if (queries.find(text) !== undefined) return
      const parameters = statements.get(text)?.map((oid) => builtinTypes.get(oid) ?? known.get(oid) ?? unknownType)
      if (parameters !== undefined) queries.learn(text, parameters, columns)
    },
    hasMany: (text) => many.get(text) !== undefined,
    foundMany(text) {
      many.set(text, true, text.length)
      queries.forget(text)
    },
    forget(text) {
      statements.delete(text)
      queries.forget(text)
    },
  }
}

/**
 * Whether strings are sent to a parameter of this type as they are. Only statements of which all parameters are plain are
 * remembered: JSON for what was a column of type json would be stored in what is one of type text now, quotes and all. The
 * other way round the server reads the string by the new type or refuses it.
 */
function isPlain({ form }: TypeInfo): boolean {
  return form !== 'json' && form !== 'bytea' && form !== 'array' && form !== 'vector'
}
