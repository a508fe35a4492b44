import { describe, expect, test } from 'bun:test'
import { effectiveSettings, loadConfig, readConfig } from '../../src/config/load.ts'
import { settingsHelp } from '../../src/config/page.ts'

const env = {
  SECRET_GITHUB: 'hunter2-hunter2',
  SECRET_GITHUB_HOSTS: 'api.github.com, *.example.com:443',
  SECRET_GITHUB_TENANTS: 'acme,globex',
  SECRET_DB_1: 'x'.repeat(5000),
  SECRET_EMPTY: ' ',
}

describe('settings that come once for each name', () => {
  test('are gathered by name', () => {
    expect(loadConfig(env).secrets).toEqual({
      named: new Map([
        ['DB_1', { value: 'x'.repeat(5000) }],
        [
          'GITHUB',
          { value: 'hunter2-hunter2', hosts: ['api.github.com', '*.example.com:443'], tenants: ['acme', 'globex'] },
        ],
      ]),
    })
    expect(loadConfig({}).secrets.named.size).toBe(0)
  })

  test('belong to the longer end where two would do, and to nobody where the name is none', () => {
    const { named } = loadConfig({
      SECRET_A_HOSTS_HOSTS: 'a',
      SECRET_HOSTS: 'a secret named HOSTS',
      SECRET_: 'value',
      SECRET__HOSTS: 'a secret with no name',
      SECRET_lower: 'value',
      'SECRET_<NAME>': 'value',
      XSECRET_A: 'value',
    }).secrets
    expect([...named]).toEqual([
      ['A_HOSTS', { hosts: ['a'] }],
      ['HOSTS', { value: 'a secret named HOSTS' }],
    ])
  })

  test('are checked like all others, and never told when they are secret', () => {
    const { problems, values } = readConfig({
      ...env,
      SECRET_A: 'abc',
      SECRET_A_HOSTS: 'no host',
      SECRET_A_TENANTS: ',',
    })
    expect(problems).toEqual([
      'SECRET_A: expected text of at least 4 characters',
      'SECRET_A_HOSTS: expected hosts such as api.example.com, *.example.com or 10.0.0.1:8080, separated by commas; * is any, not "no host"',
      'SECRET_A_TENANTS: expected names separated by commas, not ","',
    ])
    expect(values.secrets.named?.get('A')).toEqual({})
  })

  test('are listed when they are set, blanked where they are secret', () => {
    const listed = effectiveSettings(env).filter(({ variable }) => variable.startsWith('SECRET'))
    expect(listed.map(({ variable, value, source }) => [variable, value, source])).toEqual([
      ['SECRETS_DIR', '', 'default'],
      ['SECRET_DB_1', '[redacted]', 'environment'],
      ['SECRET_GITHUB', '[redacted]', 'environment'],
      ['SECRET_GITHUB_HOSTS', 'api.github.com, *.example.com:443', 'environment'],
      ['SECRET_GITHUB_TENANTS', 'acme,globex', 'environment'],
    ])
  })

  test('are explained once', () => {
    for (const end of ['', '_HOSTS', '_TENANTS']) expect(settingsHelp()).toContain(`  SECRET_<NAME>${end}\n`)
  })
})

describe('what jobs may reach', () => {
  test('is empty lists by default', () => {
    const { egress, outgoing, scripts, worker } = loadConfig({})
    expect(egress).toEqual({ allowHosts: [], allowCidrs: [], denyCidrs: [] })
    expect(outgoing).toMatchObject({ connectTimeoutMs: 5000, maxResponseBytes: 10_000_000, maxRedirects: 5 })
    expect(outgoing).toMatchObject({ maxPerOrigin: 64, okStatus: '2xx,3xx' })
    expect(scripts.threads).toBe(worker.cpuPoolSize)
    expect(loadConfig({ SCRIPT_THREADS: '7' }).worker.cpuPoolSize).toBe(7)
  })

  test('is read from lists', () => {
    const lists = {
      EGRESS_ALLOW_CIDRS: '10.0.0.0/8, fd00::/8',
      EGRESS_DENY_CIDRS: '8.8.8.8',
      EGRESS_ONLY_HOSTS: '*.a.org',
    }
    expect(loadConfig(lists).egress).toEqual({
      allowHosts: [],
      allowCidrs: ['10.0.0.0/8', 'fd00::/8'],
      denyCidrs: ['8.8.8.8'],
      onlyHosts: ['*.a.org'],
    })
    const wrong = { EGRESS_ALLOW_CIDRS: '10.0.0.0/33', EGRESS_ALLOW_HOSTS: ',', EGRESS_ONLY_HOSTS: 'http://a' }
    const { problems } = readConfig({ ...wrong, HTTP_OK_STATUS: '2xx,', HTTP_MAX_REDIRECTS: '21' })
    expect(problems.map((text) => text.split(':')[0])).toEqual([
      'EGRESS_ALLOW_HOSTS',
      'EGRESS_ALLOW_CIDRS',
      'EGRESS_ONLY_HOSTS',
      'HTTP_MAX_REDIRECTS',
      'HTTP_OK_STATUS',
    ])
  })
})
