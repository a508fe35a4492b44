import { expect, test } from 'bun:test'
import { sqlFindings } from '../../src/cli/sql-findings.ts'
import { type Environment, loadConfig } from '../../src/config/load.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { startPostgres } from '../support/postgres.ts'

async function look(env: Environment): Promise<readonly string[]> {
  const findings = await sqlFindings(loadConfig(env).sql, systemClock)
  return findings.map(({ status, explanation }) => `${status}: ${explanation}`)
}

test('check says nothing of databases where there are none', async () => {
  expect(await look({})).toEqual([])
})

test('check says of each database whether a job could use it, and shows no DSN', async () => {
  await using server = await startPostgres()
  const found = await look({
    SQL_CONNECTION_CRM: server.url.replace('127.0.0.1', 'localhost'),
    SQL_CONNECTION_GONE: 'postgres://somebody:pass-word@127.0.0.1:1/secret-db',
    SQL_CONNECTION_LOST_TENANTS: 'acme',
    DATABASE_URL: server.url.replace(/[^/]*$/, 'nowhere'),
  })
  expect(found).toEqual([
    expect.stringMatching(/^ok: SQL_CONNECTION_CRM: connected to PostgreSQL \d+\.\d+/),
    'fail: SQL_CONNECTION_GONE: The database refused the connection',
    'fail: DATABASE_URL: The server has no such database (SQLSTATE 3D000)',
    'warn: SQL_CONNECTION_LOST is not set, but its tenants are; jobs that name it fail',
  ])
}, 60_000)
