import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Environment, loadConfig } from '../../../src/config/load.ts'
import { ConfigError, JobError } from '../../../src/errors.ts'
import { openSecrets, type Secrets } from '../../../src/services/secrets/secrets.ts'
import { FakeClock } from '../../support/fake-clock.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'beamline-secrets-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const use = { tenantId: 'acme', host: 'api.example.com', port: 443 }

async function open(env: Environment, clock = new FakeClock()): Promise<Secrets> {
  return openSecrets(loadConfig(env).secrets, clock)
}

/** A new folder with these files. */
async function folderOf(files: Readonly<Record<string, string | Uint8Array>>): Promise<string> {
  const path = await mkdtemp(join(folder, 'dir-'))
  await Promise.all(Object.entries(files).map(([name, text]) => writeFile(join(path, name), text)))
  return path
}

/** The details of the refusal. */
async function refusal(revealed: Promise<string>): Promise<JobError['details']> {
  const error = await revealed.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof JobError)) throw new Error('it was not refused')
  expect(error).toMatchObject({ code: 'PERMISSION_DENIED', retry: 'never', unsent: true })
  expect(error.message).not.toMatch(/timeout|connection|unavailable|5/i)
  return error.details
}

describe('a secret in the environment', () => {
  const env = { SECRET_GITHUB_TOKEN: 'hunter2-hunter2', SECRET_GITHUB_TOKEN_HOSTS: '*.example.com, 10.0.0.1:8080' }

  test.each(['github-token', 'GITHUB_TOKEN', 'github.token', 'Github_Token'])('is called %s', async (name) => {
    await using secrets = await open(env)
    expect(await secrets.reveal(name, use)).toBe('hunter2-hunter2')
  })

  test('is sent to its hosts only', async () => {
    await using secrets = await open(env)
    expect(await secrets.reveal('github-token', { ...use, host: '10.0.0.1', port: 8080 })).toBe('hunter2-hunter2')
    const details = { secret: 'github-token', reason: 'host' }
    for (const [host, port] of [
      ['example.com', 443],
      ['10.0.0.1', 8081],
      ['evil.com', 443],
    ] as const) {
      expect(await refusal(secrets.reveal('github-token', { ...use, host, port }))).toEqual({ ...details, host })
    }
  })

  test('is sent nowhere without hosts, and anywhere with *', async () => {
    await using closed = await open({ SECRET_X: 'hunter2-hunter2' })
    const details = { secret: 'x', reason: 'hosts_unset', setting: 'SECRET_X_HOSTS' }
    expect(await refusal(closed.reveal('x', use))).toEqual(details)
    await using wide = await open({ SECRET_X: 'hunter2-hunter2', SECRET_X_HOSTS: '*' })
    expect(await wide.reveal('x', use)).toBe('hunter2-hunter2')
  })

  test('looks to a tenant who may not use it as if it were not there', async () => {
    await using secrets = await open({ ...env, SECRET_GITHUB_TOKEN_TENANTS: 'globex, initech' })
    expect(await secrets.reveal('github-token', { ...use, tenantId: 'initech' })).toBe('hunter2-hunter2')
    const other = await refusal(secrets.reveal('github-token', use))
    expect(other).toEqual({ secret: 'github-token', reason: 'missing' })
    expect(await refusal(secrets.reveal('nothing', use))).toEqual({ ...other, secret: 'nothing' })
    const foreign = { ...use, host: 'evil.com' }
    expect(await refusal(secrets.reveal('github-token', foreign))).toEqual(other)
  })

  test('is masked from the start', async () => {
    await using secrets = await open({ SECRET_X: 'hunter2-hunter2' })
    expect(secrets.mask.text('hunter2-hunter2')).toBe('***')
  })

  test('is masked for the tenants that may use it, and for the process', async () => {
    await using secrets = await open({
      ...{ SECRET_ALL: 'for-everybody', SECRET_ALL_HOSTS: '*' },
      ...{ SECRET_ONE: 'for-acme-alone', SECRET_ONE_HOSTS: '*', SECRET_ONE_TENANTS: 'acme' },
      SECRET_NOWHERE: 'for-nobody-yet',
    })
    const text = 'for-everybody for-acme-alone for-nobody-yet'
    expect(secrets.mask.text(text)).toBe('*** *** ***')
    expect(secrets.maskFor('acme').text(text)).toBe('*** *** for-nobody-yet')
    expect(secrets.maskFor('globex').text(text)).toBe('*** for-acme-alone for-nobody-yet')
  })
})

describe('a secret in a file', () => {
  test('has the very name that is asked for, and loses one line end', async () => {
    const SECRETS_DIR = await folderOf({ 'db.password': 'first line\nsecond line\r\n', DB_PASSWORD: 'another one\n\n' })
    await using secrets = await open({ SECRETS_DIR, SECRET_DB_PASSWORD_HOSTS: '*' })
    expect(await secrets.reveal('db.password', use)).toBe('first line\nsecond line')
    expect(await secrets.reveal('DB_PASSWORD', use)).toBe('another one\n')
    expect(await refusal(secrets.reveal('db-password', use))).toMatchObject({ reason: 'missing' })
    expect(secrets.mask.text('<another one\n>')).toBe('<***>')
  })

  test('is masked before it is first used', async () => {
    const SECRETS_DIR = await folderOf({ x: 'hunter2-hunter2' })
    await using secrets = await open({ SECRETS_DIR, SECRET_X_HOSTS: '*' })
    expect(secrets.maskFor('acme').text('hunter2-hunter2')).toBe('***')
  })

  test('gives way to the environment', async () => {
    const SECRETS_DIR = await folderOf({ x: 'from the file' })
    await using secrets = await open({ SECRETS_DIR, SECRET_X: 'from the environment', SECRET_X_HOSTS: '*' })
    expect(await secrets.reveal('x', use)).toBe('from the environment')
  })

  test('has hosts and tenants of its own', async () => {
    const SECRETS_DIR = await folderOf({ x: 'hunter2-hunter2', y: 'hunter3-hunter3' })
    const own = { SECRET_Y_HOSTS: '*', SECRET_Y_TENANTS: 'globex' }
    await using secrets = await open({ SECRETS_DIR, SECRET_X_TENANTS: 'globex', ...own })
    expect(await refusal(secrets.reveal('x', { ...use, tenantId: 'globex' }))).toMatchObject({ reason: 'hosts_unset' })
    expect(await refusal(secrets.reveal('x', use))).toMatchObject({ reason: 'missing' })
    const mask = secrets.maskFor('globex')
    expect(await secrets.reveal('y', { ...use, tenantId: 'globex' })).toBe('hunter3-hunter3')
    expect(mask.text('hunter3-hunter3')).toBe('***')
    expect(secrets.maskFor('acme').text('hunter3-hunter3')).toBe('hunter3-hunter3')
  })

  test('is found behind symbolic links, and read anew ten seconds after it was read', async () => {
    const SECRETS_DIR = await folderOf({})
    const version = async (name: string, value: string): Promise<void> => {
      await mkdir(join(SECRETS_DIR, name))
      await writeFile(join(SECRETS_DIR, name, 'x'), value)
      await symlink(name, join(SECRETS_DIR, '..data-new'))
      await rename(join(SECRETS_DIR, '..data-new'), join(SECRETS_DIR, '..data'))
    }
    await version('..1', 'the old value')
    await symlink(join('..data', 'x'), join(SECRETS_DIR, 'x'))
    const clock = new FakeClock()
    await using secrets = await open({ SECRETS_DIR, SECRET_X_HOSTS: '*' }, clock)
    expect(await secrets.reveal('x', use)).toBe('the old value')
    await version('..2', 'the new value')
    await clock.advance(9_999)
    expect(await secrets.reveal('x', use)).toBe('the old value')
    await clock.advance(1)
    expect(await secrets.reveal('x', use)).toBe('the new value')
    expect(secrets.mask.text('the old value, the new value')).toBe('***, ***')
  })

  test('that is not there yet is found as soon as it is', async () => {
    const SECRETS_DIR = await folderOf({ x: '' })
    await using secrets = await open({ SECRETS_DIR, SECRET_X_HOSTS: '*' })
    expect(await refusal(secrets.reveal('x', use))).toEqual({ secret: 'x', reason: 'missing' })
    await writeFile(join(SECRETS_DIR, 'x'), 'here it is')
    expect(await secrets.reveal('x', use)).toBe('here it is')
  })

  test.each(['../outside', '.hidden', 'sub/x', '..', '', 'x\0', 'x'.repeat(129)])('%j is no name', async (name) => {
    const SECRETS_DIR = await folderOf({ '.hidden': 'hunter2-hunter2' })
    await writeFile(join(folder, 'outside'), 'hunter2-hunter2')
    await using secrets = await open({ SECRETS_DIR, SECRET___OUTSIDE_HOSTS: '*', SECRET_X_HOSTS: '*' })
    expect(await refusal(secrets.reveal(name, use))).toMatchObject({ reason: 'missing' })
  })

  test('is refused when it is no text file of a sensible size', async () => {
    const SECRETS_DIR = await folderOf({
      binary: new Uint8Array([0x61, 0x62, 0xff, 0x63]),
      huge: 'x'.repeat(65_537),
      large: 'x'.repeat(65_536),
      short: 'abc\n',
    })
    await mkdir(join(SECRETS_DIR, 'folder'))
    expect(Bun.spawnSync(['mkfifo', join(SECRETS_DIR, 'pipe')]).exitCode).toBe(0)
    const hosts = ['BINARY', 'HUGE', 'LARGE', 'SHORT', 'FOLDER', 'PIPE'].map((name) => [`SECRET_${name}_HOSTS`, '*'])
    await using secrets = await open({ SECRETS_DIR, ...Object.fromEntries(hosts) })
    for (const secret of ['binary', 'huge', 'folder', 'pipe']) {
      expect(await refusal(secrets.reveal(secret, use))).toEqual({ secret, reason: 'unreadable' })
    }
    expect(await refusal(secrets.reveal('short', use))).toEqual({ secret: 'short', reason: 'too_short' })
    expect(await secrets.reveal('large', use)).toHaveLength(65_536)
  })

  test('needs a folder that can be read', async () => {
    const missing = join(folder, 'missing')
    const opened = await open({ SECRETS_DIR: missing }).catch((error: unknown) => error)
    expect(opened).toBeInstanceOf(ConfigError)
    expect(String(opened)).toContain(`SECRETS_DIR: the folder ${missing} cannot be read (ENOENT)`)
  })
})
