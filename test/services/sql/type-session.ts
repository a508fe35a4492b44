/** A session that runs statements with JSON values and reads their rows into JSON, and writes down what it sends. */
import { systemClock } from '../../../src/lib/clock.ts'
import { parseDsn } from '../../../src/lib/postgres-dsn.ts'
import { type Catalog, openCatalog } from '../../../src/services/sql/catalog.ts'
import type { Connection } from '../../../src/services/sql/connection.ts'
import { decoder } from '../../../src/services/sql/decode.ts'
import { openConnection } from '../../../src/services/sql/dial.ts'
import { checkParameterCount, encode } from '../../../src/services/sql/encode.ts'
import { unknownType } from '../../../src/services/sql/type-info.ts'
import type { Postgres } from '../../support/postgres.ts'

export const never = new AbortController().signal

/** Disposing of it ends the connection. */
export interface TypeSession extends AsyncDisposable {
  readonly connection: Connection
  readonly catalog: Catalog
  /** Every text that went to the server. */
  readonly sent: readonly string[]
  /** Runs one statement with these values for its parameters. */
  rows(text: string, values?: readonly unknown[]): Promise<readonly (readonly unknown[])[]>
}

export async function openTypeSession({ url }: Postgres, clock = systemClock): Promise<TypeSession> {
  const target = { dsn: parseDsn(url, 'named'), addresses: async () => ['127.0.0.1'], timeoutMs: 5000 }
  const driver = await openConnection(target, systemClock, never)
  const sent: string[] = []
  const connection: Connection = {
    get isSound() {
      return driver.isSound
    },
    quick: undefined,
    control(text, signal) {
      sent.push(text)
      return driver.control(text, signal)
    },
    statement(text, params, signal) {
      sent.push(text)
      return driver.statement(text, params, signal)
    },
    discard: () => driver.discard(),
    [Symbol.asyncDispose]: () => driver[Symbol.asyncDispose](),
  }
  const catalog = openCatalog(clock)
  return {
    connection,
    catalog,
    sent,
    async rows(text, values = []) {
      const types = values.length === 0 ? [] : await catalog.parameters(text, connection, never)
      checkParameterCount(values.length, types.length)
      const params = values.map((value, index) => encode(value, types[index], index))
      const { columns, rows } = await connection.statement(text, params, never)
      const oids = columns.map(({ type }) => type)
      const found = await catalog.types(oids, connection, never)
      const decoders = oids.map((oid) => decoder(found.get(oid) ?? unknownType))
      return rows.map((row) => row.map((value, index) => (value === null ? null : decoders[index]?.(value))))
    },
    [Symbol.asyncDispose]: () => driver[Symbol.asyncDispose](),
  }
}
