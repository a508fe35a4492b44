/** What holds for every value, against a real server. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import fc from 'fast-check'
import { characters } from '../../support/arbitraries.ts'
import { type Postgres, startPostgres } from '../../support/postgres.ts'
import { openTypeSession, type TypeSession } from './type-session.ts'

let postgres: Postgres
let session: TypeSession

beforeAll(async () => {
  postgres = await startPostgres()
  session = await openTypeSession(postgres)
  await session.connection.control('CREATE TABLE bystander (id int); INSERT INTO bystander VALUES (1)')
})

afterAll(async () => {
  await session[Symbol.asyncDispose]()
  await postgres[Symbol.asyncDispose]()
})

/** PostgreSQL has no text with the character zero in it; half characters are refused. */
function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0')
}

const hostile = [
  "'; DROP TABLE bystander; --",
  '"; DROP TABLE bystander; --',
  '\\"}\'::text[]); DROP TABLE bystander; --',
  '$1',
  '{"a":1}',
  'NULL',
  '}',
  '\\',
  '$$',
  '/*',
  '',
]

function texts(): fc.Arbitrary<string> {
  return fc.oneof(characters(12).filter(isStorable), fc.constantFrom(...hostile))
}

/** Arrays whose rows are as long as each other, as a server wants them. */
function rectangles(leaf: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  const sizes = fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 4 })
  return sizes.chain((lengths) =>
    lengths.reduce<fc.Arbitrary<unknown>>(
      (inner, length) => fc.array(inner, { minLength: length, maxLength: length }),
      leaf,
    ),
  )
}

const runs = { numRuns: 200 }

async function returned(type: string, value: unknown): Promise<unknown> {
  const rows = await session.rows(`SELECT $1::${type}`, [value])
  return rows[0]?.[0]
}

test('any string comes back as it went', async () => {
  await fc.assert(
    fc.asyncProperty(texts(), async (text) => {
      expect(await returned('text', text)).toBe(text)
    }),
    runs,
  )
})

test('any array of strings comes back as it went, of whatever dimensions', async () => {
  await fc.assert(
    fc.asyncProperty(rectangles(fc.option(texts())), async (array) => {
      expect(await returned('text[]', array)).toEqual(array)
    }),
    runs,
  )
})

test('any bytes come back as they went, alone and in arrays', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 40 }), async (bytes) => {
      const text = bytes.toBase64()
      expect(await returned('bytea', text)).toBe(text)
      expect(await returned('bytea[]', [text, null])).toEqual([text, null])
    }),
    runs,
  )
})

test('any JSON comes back as it went, alone and in arrays', async () => {
  const values = fc
    .jsonValue({ stringUnit: 'grapheme' })
    .filter((value) => value !== null && isStorable(JSON.stringify(value)) && !JSON.stringify(value).includes('\\u'))
    // JSON knows no negative zero.
    .map((value): unknown => JSON.parse(JSON.stringify(value)))
  await fc.assert(
    fc.asyncProperty(fc.oneof(values, texts()), async (value) => {
      expect(await returned('jsonb', value)).toEqual(value)
      expect(JSON.stringify(await returned('json', value))).toBe(JSON.stringify(value))
      expect(await returned('jsonb[]', [value, null, value])).toEqual([value, null, value])
    }),
    runs,
  )
})

test('any double comes back as it went', async () => {
  await fc.assert(
    fc.asyncProperty(fc.double({ noNaN: true, noDefaultInfinity: true }), async (number) => {
      expect(await returned('float8', number)).toBe(number)
    }),
    runs,
  )
})

test('any integer comes back as it went, as a number where it is safe', async () => {
  const integers = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
  await fc.assert(
    fc.asyncProperty(integers, async (integer) => {
      const number = Number(integer)
      const expected = Number.isSafeInteger(number) ? number : String(integer)
      expect(await returned('int8', String(integer))).toBe(expected)
      expect(await returned('numeric', String(integer))).toBe(String(integer))
      if (Number.isSafeInteger(number)) expect(await returned('int8', number)).toBe(number)
    }),
    runs,
  )
})

test('hostile texts do nothing, in a value or in a statement that is only looked at', async () => {
  for (const text of hostile) {
    await session.rows('SELECT $1::text, $2::text[], $3::jsonb', [text, [text, [text].join()], { [text]: text }])
    await session.rows('SELECT $1::int[]', [text]).catch(() => undefined)
    await session.rows(`SELECT $1::int ${text}`, [1]).catch(() => undefined)
  }
  expect(await session.rows('SELECT id FROM bystander')).toEqual([[1]])
})
