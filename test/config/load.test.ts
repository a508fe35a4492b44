import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { allSettings, type Environment, effectiveSettings, loadConfig, readConfig } from '../../src/config/load.ts'
import { ConfigError } from '../../src/errors.ts'

function problemsOf(env: Environment): readonly string[] {
  try {
    loadConfig(env)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
}

describe('loadConfig', () => {
  test('has a valid default for everything', () => {
    const config = loadConfig({})
    expect(config).toMatchObject({
      nats: { servers: ['nats://localhost:4222'], tlsFirst: false },
      subjects: { assign: 'caf.exec.assign.v1', ack: 'caf.exec.assign.v1.ack', deadLetter: 'caf.deadletter.v1' },
      wire: { envelope: 'auto', acks: true },
      jetstream: { mode: 'auto', stream: 'CAF_EXEC', consumer: 'caf-workers', replicas: 1, ackWaitMs: 30_000 },
      worker: { maxConcurrency: 8, queueSize: 1000, prefetch: 16, ioPoolSize: 8, shutdownGraceMs: 20_000 },
      deadLetters: { path: '/tmp/worker-dlq.jsonl' },
      http: { host: '0.0.0.0', port: 9091, maxBodyBytes: 1_000_000 },
      log: { level: 'info', format: 'json' },
    })
    expect(config.worker.cpuPoolSize).toBeWithin(1, 5)
    expect('tenantAllowlist' in config.worker).toBe(false)
    expect('apiToken' in config.http).toBe(false)
  })

  test('makes a new worker id at each start', () => {
    const [one, other] = [loadConfig({}).worker.id, loadConfig({}).worker.id]
    expect(one).toMatch(/^worker-[0-9a-f-]{36}$/)
    expect(one).not.toBe(other)
  })

  test('derives what depends on other settings', () => {
    const config = loadConfig({ WORKER_MAX_CONCURRENCY: '20', CAF_ASSIGN_SUBJECT: 'jobs.in' })
    expect(config.worker).toMatchObject({ maxConcurrency: 20, prefetch: 40, ioPoolSize: 20 })
    expect(config.subjects.ack).toBe('jobs.in.ack')
    expect(loadConfig({ WORKER_MAX_CONCURRENCY: '20', WORKER_PREFETCH: '3' }).worker.prefetch).toBe(3)
  })

  test('takes an empty or blank variable as unset', () => {
    expect(loadConfig({ WORKER_MAX_CONCURRENCY: '', CAF_ACK_SUBJECT: ' ', API_TOKEN: '' })).toMatchObject({
      worker: { maxConcurrency: 8 },
      subjects: { ack: 'caf.exec.assign.v1.ack' },
    })
  })

  test('reports every problem at once, each by the name of its variable, and no secret', () => {
    const problems = problemsOf({
      NATS_URL: 'http://user:hunter2@nats',
      NATS_TOKEN: 'hunter2 hunter2',
      WORKER_MAX_CONCURRENCY: '257',
      ACK_WAIT_MS: '10ms',
      CAF_RESULT_SUBJECT: 'a..b',
      NATS_TLS_CERT: '/cert.pem',
      CAF_CANCEL_SUBJECT: 'caf.exec.assign.v1',
    })
    expect(problems).toEqual([
      'NATS_URL: expected addresses such as nats://host:4222, separated by commas, without spaces',
      'NATS_TOKEN: expected text without spaces',
      'CAF_RESULT_SUBJECT: expected subject of letters, digits, dots, hyphens and underscores, not "a..b"',
      'ACK_WAIT_MS: expected milliseconds, or a duration such as 30s or 5m, 1s to 1h, not "10ms"',
      'WORKER_MAX_CONCURRENCY: expected whole number, 1 to 256, not "257"',
      'NATS_TLS_KEY: missing, as NATS_TLS_CERT is set',
      'CAF_CANCEL_SUBJECT: must differ from CAF_ASSIGN_SUBJECT, both are "caf.exec.assign.v1"',
    ])
  })

  test.each([
    [{ NATS_PASSWORD: 'x' }, 'NATS_USER: missing, as NATS_PASSWORD is set'],
    [{ NATS_TLS_KEY: 'x' }, 'NATS_TLS_CERT: missing, as NATS_TLS_KEY is set'],
    [
      { DLQ_TOTAL_MAX_BYTES: '99MB' },
      'DLQ_TOTAL_MAX_BYTES: must not be below DLQ_MAX_BYTES, 99000000 bytes are less than 100000000',
    ],
    [
      { DLQ_MAX_BYTES: '2GB' },
      'DLQ_TOTAL_MAX_BYTES: must not be below DLQ_MAX_BYTES, 1000000000 bytes are less than 2000000000',
    ],
    [{ DLQ_MAX_BYTES: 'x', DLQ_TOTAL_MAX_BYTES: '1MB' }, expect.stringContaining('DLQ_MAX_BYTES: expected')],
  ])('%p contradicts itself', (env, problem) => {
    expect(problemsOf(env)).toEqual([problem])
  })

  test.each([
    'nats://user:hunter2 secret@host:4222',
    'user:hunter2 s@host',
    'nats://a:4222, nats://user:hunter2\tx@host',
    'nats://user:p/hunter2@host',
  ])('%j in NATS_URL is refused, and no part of it is told', (url) => {
    const problems = problemsOf({ NATS_URL: url })
    expect(problems.length).toBe(1)
    expect(problems.join('')).not.toMatch(/hunter2|secret|user/)
    expect(effectiveSettings({ NATS_URL: url }).find(({ variable }) => variable === 'NATS_URL')?.value).not.toMatch(
      /hunter2|secret|user/,
    )
  })

  test('a password that got into a wrong variable is not told', () => {
    const problems = problemsOf({ HEALTH_BIND: 'nats://user:hunter2 secret@host:1', ACK_WAIT_MS: 'u:hunter2 x@h' })
    expect(problems.join('')).not.toMatch(/hunter2|secret/)
    expect(problems[1]).toEndWith('not "nats://***@host:1"')
  })

  test('whatever the variables hold, it loads or says what is wrong, never showing a secret', () => {
    const variables = allSettings().map(({ setting }) => setting)
    const environments = fc.record(
      Object.fromEntries(variables.map(({ variable }) => [variable, fc.string({ unit: 'grapheme', maxLength: 12 })])),
      { requiredKeys: [] },
    )
    const secrets = variables.filter(({ secret }) => secret).map(({ variable }) => variable)
    fc.assert(
      fc.property(environments, (env) => {
        const marked = { ...env, ...Object.fromEntries(secrets.map((name) => [name, `hunter2 ${env[name] ?? ''}`])) }
        expect(problemsOf(marked).join('\n')).not.toContain('hunter2')
        expect(JSON.stringify(effectiveSettings(marked))).not.toContain('hunter2')
      }),
    )
  })
})

describe('readConfig', () => {
  test('has every value that can be read beside the problems', () => {
    const { values, problems } = readConfig({ ACK_WAIT_MS: 'soon', HEALTH_BIND: 'x', NATS_USER: 'u' })
    expect(problems.map((text) => text.split(':')[0])).toEqual(['ACK_WAIT_MS', 'HEALTH_BIND'])
    expect(values).toMatchObject({ nats: { user: 'u' }, jetstream: { mode: 'auto' } })
    expect(values.jetstream).not.toHaveProperty('ackWaitMs')
    expect(values.http).not.toHaveProperty('bind')
  })
})

describe('effectiveSettings', () => {
  const shown = (env: Environment, variable: string) => {
    const found = effectiveSettings(env).find((setting) => setting.variable === variable)
    return found && [found.value, found.source]
  }

  test('says where each value comes from, and blanks what is secret', () => {
    const env = { NATS_URL: 'nats://u:pw@host:4222', API_TOKEN: 'hunter2', LOG_LEVEL: 'nonsense' }
    expect(shown(env, 'NATS_URL')).toEqual(['nats://***@host:4222', 'environment'])
    expect(shown({ NATS_URL: 'nats://a:1,tls://u:p,w@b:2,c:3' }, 'NATS_URL')?.[0]).toBe('nats://a:1,tls://***@b:2,c:3')
    expect(shown(env, 'API_TOKEN')).toEqual(['[redacted]', 'environment'])
    expect(shown(env, 'NATS_TOKEN')).toEqual(['', 'default'])
    expect(shown(env, 'LOG_LEVEL')).toEqual(['nonsense', 'environment'])
    expect(shown(env, 'WORKER_PREFETCH')).toEqual(['16', 'default'])
    expect(shown(env, 'WORKER_ID')).toEqual(['worker-<uuid>, new at each start', 'default'])
  })

  test('lists every setting once', () => {
    const variables = effectiveSettings({}).map(({ variable }) => variable)
    expect(new Set(variables).size).toBe(variables.length)
    expect(variables.length).toBeGreaterThan(40)
  })
})
