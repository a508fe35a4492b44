import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { systemClock } from '../../../src/lib/clock.ts'
import { eventually } from '../../support/eventually.ts'
import { type Postgres, startPostgres } from '../../support/postgres.ts'
import { never, observer, sessions } from './databases-world.ts'
import { dial, endOf, hostileServer, reload, writeServerFile } from './dial-world.ts'

let server: Postgres
let watch: ReturnType<typeof observer>
beforeAll(async () => {
  server = await startPostgres()
  watch = observer(server)
}, 60_000)
afterAll(async () => {
  await watch.end()
  await server[Symbol.asyncDispose]()
})

describe('signing in', () => {
  test('with a password, by SCRAM and in plain text, and not without', async () => {
    await watch`create role ann login password 'pa:ss/wörd'`
    const hba = (method: string) => [
      `host all ann 127.0.0.1/32 ${method}`,
      'host all all 127.0.0.1/32 trust',
      'local all all trust',
    ]
    for (const method of ['scram-sha-256', 'password']) {
      await writeServerFile(watch, 'pg_hba.conf', hba(method).join('\n'))
      await reload(watch)
      const as = (userinfo: string) => endOf(dial(`postgres://${userinfo}@127.0.0.1:${server.port}/postgres`))
      expect([method, await as('ann:pa%3Ass%2Fw%C3%B6rd')]).toEqual([method, 'bare'])
      expect([method, await as('ann:wrong')]).toEqual([method, 'authentication 28P01'])
      expect([method, await as('ann')]).toEqual([method, 'authentication 28P01'])
    }
  })

  test('is told apart by what the server objects to', async () => {
    const at = (rest: string) => endOf(dial(`postgres://${rest.replace('@', `@127.0.0.1:${server.port}`)}`))
    expect(await at('postgres@/nowhere')).toBe('noDatabase 3D000')
    expect(await at('nobody@/postgres')).toBe('authentication 28000')
    expect(await at('postgres@/postgres?options=-c%20no_such%3D1')).toBe('rejected 42704')
    await watch`create role few login connection limit 0`
    expect(await at('few@/postgres')).toBe('tooMany 53300')
  })

  test('over a Unix socket, where the operator says so', async () => {
    const dsn = `postgres://postgres@:${server.port}/postgres?host=${encodeURIComponent(server.socketFolder)}&sslmode=verify-full`
    await using connection = await dial(dsn, { addresses: [] })
    const { rows } = await connection.statement('select inet_server_addr() is null', [], never)
    expect(rows).toEqual([['t']])
    expect(await endOf(dial('postgres://postgres@/postgres?host=/nowhere/at/all'))).toBe('refused')
  })

  test('is never led by the environment', async () => {
    const before = { ...process.env }
    const lies = {
      ...{ PGHOST: '/tmp', PGPORT: '1', PGUSER: 'liar', PGUSERNAME: 'liar', PGPASSWORD: 'liar', PGDATABASE: 'liar' },
      ...{ PGSSLMODE: 'verify-full', PGOPTIONS: '-c no_such=1', PGAPPNAME: 'liar', PGCHANNELBINDING: 'require' },
      ...{ PGCONNECT_TIMEOUT: '0', DATABASE_URL: 'sqlite:/nowhere/liar', POSTGRES_URL: 'postgres://liar@127.0.0.1:1/' },
      ...{ TLS_DATABASE_URL: 'mysql://liar@127.0.0.1:1/', TLS_POSTGRES_DATABASE_URL: 'postgres://liar@127.0.0.1:1/' },
    }
    try {
      Object.assign(process.env, lies)
      await using connection = await dial(server.url)
      const text = "select current_user, current_database(), current_setting('application_name'), inet_server_port()"
      expect((await connection.statement(text, [], never)).rows).toEqual([
        ['postgres', 'postgres', 'beamline', String(server.port)],
      ])
      // The password, too: there is none in the DSN, and none is sent.
      expect(await endOf(dial(`postgres://ann@127.0.0.1:${server.port}/postgres`))).toBe('authentication 28P01')
      await watch`alter role ann password 'liar'`
      expect(await endOf(dial(`postgres://ann@127.0.0.1:${server.port}/postgres`))).toBe('authentication 28P01')
    } finally {
      for (const name of Object.keys(lies)) delete process.env[name]
      Object.assign(process.env, before)
    }
  })
})

describe('whom nobody answers', () => {
  test('is refused at once, at every address', async () => {
    const addresses = ['127.0.0.1', '127.0.0.2', '::1']
    expect(await endOf(dial('postgres://u@db.example:1/db', { addresses }))).toBe('refused')
    expect(await endOf(dial('postgres://u@db.example:1/db', { addresses: [] }))).toBe('host')
  })

  test('is given up in time, and the next address is tried', async () => {
    await using silent = await hostileServer(() => undefined)
    const start = systemClock.monotonic()
    expect(await endOf(dial(`postgres://u@127.0.0.1:${silent.port}/db`, { timeoutMs: 200 }))).toBe('timeout')
    const addresses = ['127.0.0.1', '127.0.0.2']
    expect(await endOf(dial(`postgres://u@127.0.0.1:${silent.port}/db`, { timeoutMs: 200, addresses }))).toBe('refused')
    expect(systemClock.monotonic() - start).toBeLessThan(1500)
    expect(silent.met).toBe(2)
  })

  test('stops when it is called off', async () => {
    await using silent = await hostileServer(() => undefined)
    const control = new AbortController()
    const reason = new Error('enough')
    const dialling = dial(`postgres://u@127.0.0.1:${silent.port}/db`, { signal: control.signal })
    const end = dialling.catch((error: unknown) => error)
    await eventually(() => silent.met === 1)
    control.abort(reason)
    expect(await end).toBe(reason)
    expect(
      await dial('postgres://u@127.0.0.1:1/db', { signal: AbortSignal.abort(reason) }).catch((e: unknown) => e),
    ).toBe(reason)
  })
})

describe('a server that is none', () => {
  const bytes = (...parts: readonly (number | string)[]) =>
    Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.from([part]))))
  const answers: Readonly<Record<string, Buffer>> = {
    http: bytes('HTTP/1.1 400 Bad Request\r\n\r\n<html></html>'),
    ssh: bytes('SSH-2.0-OpenSSH_9.2\r\n'),
    zeros: Buffer.alloc(4096),
    'a negative length': bytes('R', 0xff, 0xff, 0xff, 0xff),
    'a huge length': bytes('E', 0x7f, 0xff, 0xff, 0xff, 'x'),
    'a way to sign in that nobody knows': bytes('R', 0, 0, 0, 8, 0, 0, 0, 99),
    'all well, and then nothing': bytes('R', 0, 0, 0, 8, 0, 0, 0, 0),
    'an error without fields': bytes('E', 0, 0, 0, 5, 0),
    nothing: Buffer.alloc(0),
  }
  for (const [name, answer] of Object.entries(answers)) {
    for (const sslmode of ['disable', 'prefer', 'verify-full']) {
      test(`is lost soon: ${name}, ${sslmode}`, async () => {
        await using hostile = await hostileServer((socket) => void socket.end(answer))
        const start = systemClock.monotonic()
        const dsn = `postgres://u:secret@127.0.0.1:${hostile.port}/db?sslmode=${sslmode}`
        const end = await endOf(dial(dsn, { timeoutMs: 300 }))
        expect(end).toMatch(/^(protocol|lost|timeout|authentication|rejected|tls)\b/)
        expect(systemClock.monotonic() - start).toBeLessThan(1000)
        expect(hostile.met).toBe(1)
      })
    }
  }
})

test('nothing of all this stays open on the server', async () => {
  await eventually(async () => (await sessions(watch)) === 0)
})
