import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ConfigError } from '../../src/errors.ts'
import { certify } from '../nats/certificate.ts'
import { madeUpKey, madeUpOperator } from '../nats/jwt.ts'
import { openBus } from '../nats/open-bus.ts'
import { eventually } from '../support/eventually.ts'
import { startNats } from '../support/nats-server.ts'

let folder = ''

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'beamline-sign-in-'))
})

afterAll(() => rm(folder, { recursive: true }))

async function file(name: string, content: string): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, content)
  return path
}

async function connects(url: string, env: Readonly<Record<string, string>>): Promise<void> {
  await using bus = await openBus(url, { env })
  await eventually(() => bus.connected)
  await bus.flush()
}

async function isTurnedAway(url: string, env: Readonly<Record<string, string>>, how: RegExp): Promise<void> {
  await using bus = await openBus(url, { env })
  await eventually(() => how.test(bus.health().nats))
  expect(bus.connected).toBe(false)
}

describe('signing in', () => {
  test('with user and password, in the settings or in the address', async () => {
    await using server = await startNats({ config: 'authorization { user: "u", password: "p@:ss" }' })
    await connects(server.url, { NATS_USER: 'u', NATS_PASSWORD: 'p@:ss' })
    await connects(server.url.replace('//', '//u:p%40%3Ass@'), {})
    await isTurnedAway(server.url, { NATS_USER: 'u', NATS_PASSWORD: 'wrong' }, /authorization violation/i)
    await isTurnedAway(server.url, {}, /authorization violation/i)
  })

  test('with a token, in the settings or in the address', async () => {
    await using server = await startNats({ config: 'authorization { token: "a/token" }' })
    await connects(server.url, { NATS_TOKEN: 'a/token' })
    await connects(server.url.replace('//', '//a%2Ftoken@'), {})
    await isTurnedAway(server.url, { NATS_TOKEN: 'another' }, /authorization violation/i)
  })

  test('with an NKey seed', async () => {
    const { publicKey, seed } = madeUpKey()
    await using server = await startNats({ config: `authorization { users: [ { nkey: ${publicKey} } ] }` })
    await connects(server.url, { NATS_NKEY_SEED: seed })
    await isTurnedAway(server.url, { NATS_NKEY_SEED: madeUpKey().seed }, /authorization violation/i)
  })

  test('with a credentials file', async () => {
    const operator = madeUpOperator()
    await using server = await startNats({ jetstream: false, config: operator.serverConfig })
    await connects(server.url, { NATS_CREDS: await file('user.creds', operator.creds) })
    const stranger = await file('stranger.creds', madeUpOperator().creds)
    await isTurnedAway(server.url, { NATS_CREDS: stranger }, /authorization violation/i)
  })

  for (const first of [false, true]) {
    test(`over TLS with certificates on both sides${first ? ', from the first byte' : ''}`, async () => {
      const authority = certify('test authority')
      const [ours, theirs] = [certify('worker', authority), certify('server', authority)]
      const ca = await file('ca.pem', authority.certificate)
      const tls = `cert_file: "${await file('s.pem', theirs.certificate)}", key_file: "${await file('s.key', theirs.key)}"`
      await using server = await startNats({
        config: `tls { ${tls}, ca_file: "${ca}", verify: true, ${first ? 'handshake_first: true' : 'timeout: 5'} }`,
      })
      const trust = { NATS_TLS_CA: ca, ...(first ? { NATS_TLS_FIRST: 'true' } : {}) }
      const cert = await file('c.pem', ours.certificate)
      const key = await file('c.key', ours.key)
      await connects(server.url, { ...trust, NATS_TLS_CERT: cert, NATS_TLS_KEY: key })
      await connects(server.url.replace('nats:', 'tls:'), { ...trust, NATS_TLS_CERT: cert, NATS_TLS_KEY: key })
      const other = await file('other.pem', certify('another authority').certificate)
      await using stranger = await openBus(server.url, {
        env: { ...trust, NATS_TLS_CA: other, NATS_TLS_CERT: cert, NATS_TLS_KEY: key },
      })
      await eventually(() => !['connecting', 'ok'].includes(stranger.health().nats))
      expect(stranger.connected).toBe(false)
    })
  }

  test('to an address that asks for TLS, at a server without, fails', async () => {
    await using server = await startNats({ jetstream: false })
    await isTurnedAway(server.url.replace('nats:', 'tls:'), {}, /tls/i)
  })

  test('with files that cannot be used ends at once, and names all of them but no secret', async () => {
    const nonsense = await file('nonsense', 'SUSECRET')
    const missing = join(folder, 'missing')
    const opening = openBus('nats://127.0.0.1:4222', {
      env: {
        NATS_CREDS: nonsense,
        NATS_NKEY_SEED: 'SUSECRET',
        NATS_TLS_CA: missing,
        NATS_TLS_CERT: missing,
        NATS_TLS_KEY: missing,
      },
    })
    const error = await opening.then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    expect(error).toBeInstanceOf(ConfigError)
    const { problems } = error instanceof ConfigError ? error : { problems: [] }
    expect(problems.join('\n')).not.toContain('SECRET')
    expect(new Set(problems.map((problem) => problem.split(':')[0]))).toEqual(
      new Set(['NATS_CREDS', 'NATS_NKEY_SEED', 'NATS_TLS_CA', 'NATS_TLS_CERT', 'NATS_TLS_KEY']),
    )
  })
})
