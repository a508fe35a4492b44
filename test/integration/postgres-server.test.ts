import { expect, test } from 'bun:test'
import postgres from 'postgres'
import { startPostgres } from '../support/postgres.ts'

test('a real PostgreSQL answers an independent client', async () => {
  await using server = await startPostgres()
  const sql = postgres(server.url, { max: 1 })
  expect([...(await sql`select 1 as one`)]).toEqual([{ one: 1 }])
  await sql.end()
}, 60_000)
