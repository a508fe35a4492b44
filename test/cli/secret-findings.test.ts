import { describe, expect, test } from 'bun:test'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { secretFindings } from '../../src/cli/secret-findings.ts'
import { type Environment, loadConfig } from '../../src/config/load.ts'

async function look(env: Environment): Promise<readonly string[]> {
  const findings = await secretFindings(loadConfig(env).secrets)
  return findings.map(({ status, explanation }) => `${status}: ${explanation}`)
}

describe('check says of secrets', () => {
  test('nothing where there are none', async () => {
    expect(await look({})).toEqual([])
  })

  test('how many jobs may use', async () => {
    expect(await look({ SECRET_A: 'hunter2-hunter2', SECRET_A_HOSTS: '*' })).toEqual(['ok: jobs may use 1'])
  })

  test('which have no hosts, and which hosts and tenants have no secret', async () => {
    const env = { SECRET_KEY: 'hunter2-hunter2', SECRET_GONE_HOSTS: '*', SECRET_LOST_TENANTS: 'acme' }
    expect(await look(env)).toEqual([
      'warn: KEY can be used nowhere; set SECRET_KEY_HOSTS, or leave it if it is not meant for jobs',
      'warn: GONE is not there; set SECRET_GONE, or put its file into SECRETS_DIR',
      'warn: LOST is not there; set SECRET_LOST, or put its file into SECRETS_DIR',
    ])
  })

  test('what it finds in the folder, and that it finds none', async () => {
    const SECRETS_DIR = await mkdtemp(join(tmpdir(), 'beamline-secrets-'))
    await Promise.all(
      ['a-file', 'other', '..data'].map((name) => writeFile(join(SECRETS_DIR, name), 'hunter2-hunter2')),
    )
    expect(await look({ SECRETS_DIR, SECRET_A_FILE_HOSTS: '*' })).toEqual([
      'ok: jobs may use 1',
      'warn: OTHER can be used nowhere; set SECRET_OTHER_HOSTS, or leave it if it is not meant for jobs',
    ])
    await rm(SECRETS_DIR, { recursive: true })
    expect(await look({ SECRETS_DIR })).toEqual([
      `fail: SECRETS_DIR: the folder ${SECRETS_DIR} cannot be read (ENOENT)`,
    ])
  })

  test('which files jobs could not use', async () => {
    const SECRETS_DIR = await mkdtemp(join(tmpdir(), 'beamline-secrets-'))
    const files = { good: 'hunter2-hunter2', empty: '', short: 'abc', binary: '\xff\xfe', lines: 'one\ntwo-three' }
    await Promise.all(
      Object.entries(files).map(([name, text]) => writeFile(join(SECRETS_DIR, name), Buffer.from(text, 'latin1'))),
    )
    await mkdir(join(SECRETS_DIR, 'folder'))
    const hosts = ['GOOD', 'EMPTY', 'SHORT', 'BINARY', 'LINES', 'FOLDER'].map((name) => [`SECRET_${name}_HOSTS`, '*'])
    const found = await look({ SECRETS_DIR, ...Object.fromEntries(hosts) })
    expect(found[0]).toBe('ok: jobs may use 1')
    const named = new Set(found.slice(1).map((line) => line.split(' ')[1]))
    expect(named).toEqual(new Set(['binary', 'empty', 'folder', 'lines', 'short']))
    await rm(SECRETS_DIR, { recursive: true })
  })
})
