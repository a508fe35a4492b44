import { describe, expect, test } from 'bun:test'
import { effectiveSettings, loadConfig } from '../../src/config/load.ts'
import { ConfigError } from '../../src/errors.ts'

describe('the settings of databases', () => {
  test('are read, each with its tenants', () => {
    const { named, defaultDsn } = loadConfig({
      DATABASE_URL: 'postgres://u@db.example/main',
      SQL_CONNECTION_CRM_EU: 'postgresql://u:p@crm.example:6543/crm?sslmode=require',
      SQL_CONNECTION_CRM_EU_TENANTS: 'a, b',
    }).sql
    expect(defaultDsn).toMatchObject({ host: 'db.example', database: 'main' })
    expect([...named]).toEqual([
      ['CRM_EU', { dsn: expect.objectContaining({ host: 'crm.example', tls: 'require' }), tenants: ['a', 'b'] }],
    ])
  })

  test('tell a wrong DSN by its variable and its rule, and show nothing of it', () => {
    const wrong = {
      DATABASE_URL: 'mysql://root:hunter2@db.example/main',
      SQL_CONNECTION_A: 'postgres://root:hunter2@db.example/main?sslkey=/hunter2.key',
      SQL_CONNECTION_B: 'host=db.example password=hunter2',
    }
    let problems: readonly string[] = []
    try {
      loadConfig(wrong)
    } catch (error) {
      if (error instanceof ConfigError) problems = error.problems
    }
    expect(problems).toEqual([
      'DATABASE_URL: must begin with postgres:// or postgresql://',
      'SQL_CONNECTION_A: holds a parameter that is not taken here, or one twice: sslkey',
      'SQL_CONNECTION_B: must begin with postgres:// or postgresql://',
    ])
    const shown = effectiveSettings(wrong).filter(({ variable }) => variable in wrong)
    expect(shown.map(({ value }) => value)).toEqual(['[redacted]', '[redacted]', '[redacted]'])
  })
})
