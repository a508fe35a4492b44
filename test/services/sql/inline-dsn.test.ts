import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hostileDsns, type Traps } from '../../support/hostile-dsns.ts'
import { type Postgres, startPostgres } from '../../support/postgres.ts'
import { ask, failureOf, never, openWorld } from './databases-world.ts'

describe('what a job may not bring', () => {
  let traps: Traps
  let connections = 0
  const servers: Server[] = []

  beforeAll(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'beamline-trap-'))
    const tcp = await listen({ port: 0, host: '127.0.0.1' })
    await listen({ path: join(folder, '.s.PGSQL.5432') })
    const address = tcp.address()
    traps = { port: typeof address === 'object' ? (address?.port ?? 0) : 0, folder }
  })

  afterAll(async () => {
    for (const server of servers) server.close()
    await rm(traps.folder, { recursive: true, force: true })
  })

  function listen(on: { port: number; host: string } | { path: string }): Promise<Server> {
    const server = createServer((socket) => {
      connections++
      socket.destroy()
    })
    servers.push(server)
    return new Promise((resolve) => server.listen(on, () => resolve(server)))
  }

  test('is refused by its rule before anything is opened', async () => {
    await using world = await openWorld()
    const lease = (dsn: string) => world.databases.resolve({ connectionString: dsn }, 't1').lease('t1', never)
    for (const [dsn, rule] of hostileDsns(traps)) {
      const { code, details, unsent, retry, message } = await failureOf(() => lease(dsn))
      const isForbidden = ['scheme', 'socket', 'parameter'].includes(rule)
      expect([dsn, code, unsent, retry]).toEqual([
        dsn,
        isForbidden ? 'PERMISSION_DENIED' : 'INVALID_INPUT',
        true,
        'never',
      ])
      if (isForbidden) expect([dsn, details?.['rule']]).toEqual([dsn, rule])
      expect(JSON.stringify([message, details])).not.toContain(traps.folder)
    }
    expect(connections).toBe(0)
    expect(await readdir(traps.folder)).toEqual(['.s.PGSQL.5432'])
    expect(existsSync('trap.sqlite')).toBe(false)
    // The traps work: what is not refused falls into them.
    const { code } = await failureOf(() => lease(`postgres://u@127.0.0.1:${traps.port}/db`))
    expect([code, connections]).toEqual(['DB_CONNECTION_ERROR', 1])
  })

  test('is no address that is not public, however it is written', async () => {
    const resolve = async (): Promise<readonly string[]> => ['8.8.8.8', '10.0.0.1']
    await using world = await openWorld({ env: { EGRESS_ALLOW_CIDRS: '' }, resolve })
    const hosts = [
      '127.0.0.1',
      '127.1',
      '2130706433',
      '0x7f.1',
      '[::1]',
      '[::ffff:127.0.0.1]',
      '10.0.0.1',
      '169.254.169.254',
    ]
    for (const host of [
      ...hosts,
      'localhost',
      'a.localhost',
      '0.0.0.0',
      '[fd00::1]',
      '192.168.1.1',
      '[64:ff9b::7f00:1]',
    ]) {
      const dsn = `postgres://u@${host}:${traps.port}/db`
      const { code, details } = await failureOf(() => world.databases.resolve({ connectionString: dsn }, 't1'))
      expect([host, code]).toEqual([host, 'PERMISSION_DENIED'])
      expect(details?.['rule']).toMatch(/^(special_address|localhost)$/)
    }
    const mixed = world.databases.resolve({ connectionString: 'postgres://u@db.example/db' }, 't1')
    const { code, details, unsent } = await failureOf(() => mixed.lease('t1', never))
    expect([code, details?.['rule'], unsent]).toEqual(['PERMISSION_DENIED', 'special_address', true])
    expect(connections).toBe(1)
  })
})

describe('what a job may bring', () => {
  let server: Postgres
  beforeAll(async () => {
    server = await startPostgres()
  }, 60_000)
  afterAll(() => server[Symbol.asyncDispose]())

  test('is connected to at the address that was checked, each in turn until one is there', async () => {
    const asked: string[] = []
    const resolve = async (host: string): Promise<readonly string[]> => {
      asked.push(host)
      return ['127.0.0.2', '127.0.0.1']
    }
    await using world = await openWorld({ env: { EGRESS_ALLOW_CIDRS: '127.0.0.0/8' }, resolve })
    const dsn = `postgres://postgres@db.example:${server.port}/postgres?application_name=mine`
    const database = world.databases.resolve({ connectionString: dsn }, 't1')
    await using lease = await database.lease('t1', never)
    expect(await ask(lease, 'select host(inet_server_addr())')).toBe('127.0.0.1')
    expect(await ask(lease, "select current_setting('application_name')")).toBe('beamline')
    expect(asked).toEqual(['db.example'])
  })

  test('is nothing where the operator has said so', async () => {
    await using world = await openWorld({ env: { SQL_ALLOW_INLINE_DSN: 'false' } })
    const { code, details } = await failureOf(() => world.databases.resolve({ connectionString: server.url }, 't1'))
    expect(code).toBe('PERMISSION_DENIED')
    expect(details).toEqual({ rule: 'inline', setting: 'SQL_ALLOW_INLINE_DSN' })
  })

  test('stays out of results: its password is masked for its tenant', async () => {
    await using world = await openWorld()
    const dsn = `postgres://postgres:correct-horse-battery@127.0.0.1:${server.port}/postgres`
    world.databases.resolve({ connectionString: dsn }, 't1')
    expect(world.secrets.maskFor('t1').text('correct-horse-battery')).not.toContain('horse')
    expect(world.secrets.maskFor('t2').text('correct-horse-battery')).toContain('horse')
  })
})
