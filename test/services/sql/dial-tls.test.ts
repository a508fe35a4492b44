import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { certify } from '../../nats/certificate.ts'
import { type Postgres, startPostgres } from '../../support/postgres.ts'
import { observer } from './databases-world.ts'
import { dial, endOf, reload, secure, writeServerFile } from './dial-world.ts'

const authority = certify('authority')
const stranger = certify('stranger')
let folder: string
let own: string
let other: string
let plain: Postgres
let secured: Postgres

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'beamline-tls-'))
  own = join(folder, 'authority.pem')
  other = join(folder, 'stranger.pem')
  await Bun.write(own, authority.certificate)
  await Bun.write(other, stranger.certificate)
  plain = await startPostgres()
  secured = await startPostgres()
  const watch = observer(secured)
  await secure(watch, certify('server', authority))
  await watch`create role only_tls login`
  await watch`create role only_bare login`
  await watch`create role ann login password 'secret'`
  await writeServerFile(
    watch,
    'pg_hba.conf',
    'hostssl all only_tls all trust\nhostnossl all only_bare all trust\nhost all ann all scram-sha-256\nhost all postgres all trust',
  )
  await reload(watch)
  await watch.end()
}, 60_000)

afterAll(async () => {
  await plain[Symbol.asyncDispose]()
  await secured[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

/** The certificate is for localhost and 127.0.0.1; every name leads to 127.0.0.1. */
function ends({ port }: Postgres, host: string, query: string, user = 'postgres'): Promise<string> {
  return endOf(dial(`postgres://${user}@${host}:${port}/postgres?${query}`, { addresses: ['127.0.0.1'] }))
}

type Table = readonly (readonly [
  mode: string,
  plain: string,
  right: string,
  wrongName: string,
  wrongAuthority: string,
])[]

const withAuthority: Table = [
  ['disable', 'bare', 'bare', 'bare', 'bare'],
  ['allow', 'bare', 'bare', 'bare', 'bare'],
  ['prefer', 'bare', 'secured', 'secured', 'secured'],
  ['require', 'tls', 'secured', 'secured', 'tls'],
  ['verify-ca', 'tls', 'secured', 'secured', 'tls'],
  ['verify-full', 'tls', 'secured', 'tls', 'tls'],
]

describe('with an authority of its own', () => {
  for (const [mode, toPlain, right, wrongName, wrongAuthority] of withAuthority) {
    test(mode, async () => {
      expect(await ends(plain, 'localhost', `sslmode=${mode}&sslrootcert=${own}`)).toBe(toPlain)
      expect(await ends(secured, 'localhost', `sslmode=${mode}&sslrootcert=${own}`)).toBe(right)
      expect(await ends(secured, '127.0.0.1', `sslmode=${mode}&sslrootcert=${own}`)).toBe(right)
      // It is the name that counts, although the address it leads to is in the certificate.
      expect(await ends(secured, 'db.example', `sslmode=${mode}&sslrootcert=${own}`)).toBe(wrongName)
      expect(await ends(secured, 'localhost', `sslmode=${mode}&sslrootcert=${other}`)).toBe(wrongAuthority)
    })
  }
})

describe('with the authorities of the system, none of which signed it', () => {
  for (const [mode, end] of [
    ['disable', 'bare'],
    ['prefer', 'secured'],
    ['require', 'secured'],
    ['verify-ca', 'tls'],
    ['verify-full', 'tls'],
  ] as const) {
    test(mode, async () => {
      expect(await ends(secured, 'localhost', `sslmode=${mode}`)).toBe(end)
    })
  }
})

test('allow turns to TLS, and prefer does without, where the server lets the user in only so', async () => {
  expect(await ends(secured, 'localhost', 'sslmode=allow', 'only_tls')).toBe('secured')
  expect(await ends(secured, 'localhost', 'sslmode=disable', 'only_tls')).toBe('authentication 28000')
  expect(await ends(secured, 'localhost', 'sslmode=prefer', 'only_bare')).toBe('bare')
  expect(await ends(secured, 'localhost', 'sslmode=require', 'only_bare')).toBe('authentication 28000')
})

test('a password can be bound to the channel', async () => {
  const ends = (query: string) => endOf(dial(`postgres://ann:secret@localhost:${secured.port}/postgres?${query}`))
  expect(await ends('sslmode=require&channel_binding=require')).toBe('secured')
  expect(await ends('sslmode=require')).toBe('secured')
  expect(await ends('sslmode=disable&channel_binding=require')).toBe('authentication')
})

test('no file of certificates, no connection', async () => {
  await Bun.write(join(folder, 'rubbish.pem'), 'rubbish')
  for (const file of ['missing.pem', 'rubbish.pem']) {
    const query = `sslmode=verify-full&sslrootcert=${join(folder, file)}`
    expect([file, await ends(secured, 'localhost', query)]).toEqual([file, 'tls'])
  }
})

test('what the environment says of certificates does not count', async () => {
  const before = process.env['NODE_TLS_REJECT_UNAUTHORIZED']
  try {
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0'
    process.env['PGSSLMODE'] = 'disable'
    expect(await ends(secured, 'localhost', `sslmode=verify-full`)).toBe('tls')
    expect(await ends(secured, 'db.example', `sslmode=verify-full&sslrootcert=${own}`)).toBe('tls')
    expect(await ends(secured, 'localhost', `sslmode=verify-ca&sslrootcert=${other}`)).toBe('tls')
  } finally {
    delete process.env['PGSSLMODE']
    if (before === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED']
    else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before
  }
})
