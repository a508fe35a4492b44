/** Values of statements that the driver has prepared, part of which come in binary form: they read as all others do. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { systemClock } from '../../../src/lib/clock.ts'
import { parseDsn } from '../../../src/lib/postgres-dsn.ts'
import { isReadPrepared } from '../../../src/services/sql/binary-text.ts'
import { builtinTypes } from '../../../src/services/sql/builtin-types.ts'
import type { Connection } from '../../../src/services/sql/connection.ts'
import { decoder } from '../../../src/services/sql/decode.ts'
import { openConnection } from '../../../src/services/sql/dial.ts'
import { literal } from '../../../src/services/sql/driver-text.ts'
import { unknownType } from '../../../src/services/sql/type-info.ts'
import { type Postgres, startPostgres } from '../../support/postgres.ts'
import { typeRows } from './type-rows.ts'
import { never, openTypeSession, type TypeSession } from './type-session.ts'

const begin = literal('BEGIN READ ONLY')

let postgres: Postgres
let session: TypeSession
let quick: Connection

beforeAll(async () => {
  postgres = await startPostgres()
  session = await openTypeSession(postgres)
  const target = { dsn: parseDsn(postgres.url, 'named'), addresses: async () => ['127.0.0.1'], timeoutMs: 5000 }
  quick = await openConnection(target, systemClock, never, 'mark')
  // Texts show moments in the zone of their session.
  await session.connection.control("SET TimeZone = 'Asia/Kolkata'; CREATE SCHEMA \"odd 'schema'\"")
}, 60_000)

afterAll(async () => {
  await session[Symbol.asyncDispose]()
  await quick[Symbol.asyncDispose]()
  await postgres[Symbol.asyncDispose]()
})

/** The first row of what a query with one parameter, a text, gives in a quick exchange. */
async function quickRow(text: string, param: string | null): Promise<readonly unknown[]> {
  const asked = { begin, limitMs: 60_000, text, params: [param] }
  const { rows, columns } = (await quick.quick?.run(asked, never)) ?? { rows: [], columns: [] }
  const decoders = columns.map(({ type }) => decoder(builtinTypes.get(type) ?? unknownType))
  return (rows[0] ?? []).map((value, index) => (value === null ? null : decoders[index]?.(value)))
}

const oids = new Map([...builtinTypes].map(([oid, { name }]) => [name, oid]))
const aliases: Readonly<Record<string, string>> = {
  bool: 'boolean',
  int2: 'smallint',
  int4: 'integer',
  int8: 'bigint',
  float4: 'real',
  float8: 'double precision',
  timestamptz: 'timestamp with time zone',
  timestamp: 'timestamp without time zone',
  time: 'time without time zone',
  timetz: 'time with time zone',
  'char(4)': 'character',
  'varchar(5)': 'character varying',
  'bit(3)': 'bit',
  varbit: 'bit varying',
  'numeric(6,2)': 'numeric',
}

function oidOf(type: string): number | undefined {
  const [, element = type, dimensions = ''] = /^(.*?)((?:\[\])*)$/.exec(type) ?? []
  return oids.get(`${aliases[element] ?? element}${dimensions === '' ? '' : '[]'}`)
}

const read = typeRows.filter(([type]) => isReadPrepared(oidOf(type) ?? 0))

test('most of the table of types is read', () => {
  const types = new Set(read.map(([type]) => type))
  expect([...types]).toContain('timestamptz')
  expect(types.size).toBeGreaterThan(45)
})

describe('what goes into a column comes back as the table of types says', () => {
  test.each(read.map((row, index) => [row[0], JSON.stringify(row[1]), index] as const))(
    '%s %s',
    async (_, __, index) => {
      const [type, given, back = given] = read[index] ?? ['', undefined]
      const table = `kept_${index}`
      await session.connection.control(`CREATE TABLE ${table} (id text, value ${type}, nothing ${type})`)
      await session.rows(`INSERT INTO ${table} VALUES ('x', $1)`, [given])
      const text = `SELECT value, nothing FROM ${table} WHERE id = $1`
      for (const _use of ['first', 'second', 'third']) expect(await quickRow(text, 'x')).toEqual([back, null])
    },
  )
})

describe('every value of a type that comes in binary form is the same in both', () => {
  const digits = fc.stringMatching(/^\d{1,40}$/)
  const numerics = fc
    .tuple(fc.boolean(), digits, fc.option(digits))
    .map(
      ([isNegative, whole, fraction]) => `${isNegative ? '-' : ''}${whole}${fraction === null ? '' : `.${fraction}`}`,
    )
  const micros = fc.bigInt({ min: -211_000_000_000_000_000n, max: 9_223_371_331_199_999_999n })
  const moments = fc.oneof(micros, fc.bigInt({ min: -(10n ** 16n), max: 10n ** 16n }), fc.bigInt({ min: -9n, max: 9n }))
  const floats = fc
    .oneof(fc.double(), fc.double({ min: -1e6, max: 1e6 }))
    .map((value) => (Object.is(value, -0) ? '-0' : String(value)))
  const day = "timestamp '2000-01-01'"
  const added = (count: bigint, unit: string): string => `make_interval(${unit} => ${count})`
  const after = (count: bigint): string =>
    `${day} + ${added(count / 86_400_000_000n, 'days')} + ${added((count % 86_400_000_000n) / 1_000_000n, 'secs')} + ${count % 1_000_000n} * interval '1 microsecond'`
  const laws: readonly (readonly [type: string, expressions: fc.Arbitrary<string>])[] = [
    ['numeric', numerics.map((text) => `'${text}'`)],
    ['numeric', fc.integer({ min: -300, max: 300 }).map((exponent) => `'7.50e${exponent}'`)],
    ['float8', floats.map((text) => `'${text}'`)],
    ['int4', fc.integer().map((value) => `'${value}'`)],
    ['bytea', fc.uint8Array().map((bytes) => `'\\x${Buffer.from(bytes).toString('hex')}'`)],
    ['time', fc.bigInt({ min: 0n, max: 86_399_999_999n }).map((count) => `(${after(count)})::time`)],
    ['timestamp', moments.map(after)],
    ['timestamptz', moments.map((count) => `(${after(count)}) AT TIME ZONE 'UTC'`)],
  ]
  test.each(laws.map(([type, values], index) => [type, index, values] as const))(
    '%s %#',
    async (type, index, values) => {
      const table = `law_${index}`
      await session.connection.control(`CREATE TABLE ${table} (id text, value ${type})`)
      const law = fc.asyncProperty(values, async (expression) => {
        await session.connection.control(
          `DELETE FROM ${table}; INSERT INTO ${table} SELECT 'x', (${expression})::${type}`,
        )
        const [row = []] = await session.rows(`SELECT value FROM ${table}`)
        expect(await quickRow(`SELECT value FROM ${table} WHERE id = $1`, 'x')).toEqual([...row])
      })
      await fc.assert(law, { numRuns: 60 })
    },
  )
})
