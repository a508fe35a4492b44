import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { systemClock } from '../../../src/lib/clock.ts'
import type { Lease } from '../../../src/services/sql/databases.ts'
import { eventually } from '../../support/eventually.ts'
import { type Postgres, startPostgres } from '../../support/postgres.ts'
import { ask, failureOf, never, observer, openWorld, sessions } from './databases-world.ts'
import { hostileServer } from './dial-world.ts'

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

/** The server's DSN for another database. */
function dsnOf(database: string, { url } = server): string {
  return url.replace(/[^/]*$/, database)
}

describe('the database that a job means', () => {
  test('is the one it names, however it writes the name, else the default', async () => {
    await watch`create database crm`
    const env = { DATABASE_URL: server.url, SQL_CONNECTION_CRM_EU: dsnOf('crm') }
    await using world = await openWorld({ env })
    for (const [wanted, database] of [
      [{}, 'postgres'],
      [{ connection: 'crm-eu' }, 'crm'],
      [{ connection: 'CRM.eu' }, 'crm'],
      [{ connection: 'crm_eu' }, 'crm'],
    ] as const) {
      await using lease = await world.databases.resolve(wanted, 't1').lease('t1', never)
      expect(await ask(lease, 'select current_database()')).toBe(database)
    }
  })

  test('is for its tenants, and whether it is there is nobody else’s to know', async () => {
    const env = { SQL_CONNECTION_CRM: server.url, SQL_CONNECTION_CRM_TENANTS: 't1, t2' }
    await using world = await openWorld({ env })
    world.databases.resolve({ connection: 'crm' }, 't2')
    const told = async (connection: string) => {
      const { code, message, details, retry, unsent } = await failureOf(() =>
        world.databases.resolve({ connection }, 't3'),
      )
      return [code, message, { ...details, connection: '' }, retry, unsent]
    }
    expect(await told('crm')).toEqual(await told('nothing'))
    const reason = { connection: '', reason: 'missing' }
    const message = 'The connection is not there, or not for this tenant'
    expect(await told('crm')).toEqual(['PERMISSION_DENIED', message, reason, 'never', true])
    for (const name of ['', '../crm', 'crm ', 'crm\0', '__proto__', 'CRM_TENANTS', 'x'.repeat(200)]) {
      expect(await told(name)).toEqual(await told('crm'))
    }
  })

  test('must be said, and only once', async () => {
    await using world = await openWorld()
    expect(await failureOf(() => world.databases.resolve({}, 't1'))).toMatchObject({
      code: 'MISSING_REQUIRED_FIELD',
      details: { fields: [{ field: 'connection' }] },
    })
    const both = { connection: 'crm', connectionString: server.url }
    expect(await failureOf(() => world.databases.resolve(both, 't1'))).toMatchObject({ code: 'INVALID_INPUT' })
  })

  test('has a password that is masked for those who may use it, and in the log', async () => {
    const env = {
      DATABASE_URL: 'postgres://u:default%2Fpassword@db.example/db',
      SQL_CONNECTION_CRM: 'postgres://u:crm-password@db.example/db',
      SQL_CONNECTION_CRM_TENANTS: 't1',
    }
    await using world = await openWorld({ env })
    const shown = (tenantId: string) => world.secrets.maskFor(tenantId).text('default/password crm-password')
    expect(shown('t1')).not.toMatch(/default|crm/)
    expect(shown('t2')).toEndWith(' crm-password')
    expect(world.secrets.mask.text('default/password crm-password')).not.toMatch(/default|crm/)
  })
})

describe('pools', () => {
  test('are at most so many: the one not used for longest makes room', async () => {
    const names = ['p1', 'p2', 'p3']
    for (const name of names) await watch.unsafe(`create database ${name}`)
    await using world = await openWorld({ env: { SQL_MAX_POOLS: '2', SQL_QUEUE_TIMEOUT_MS: '200' } })
    const lease = (database: string) =>
      world.databases.resolve({ connectionString: dsnOf(database) }, 't1').lease('t1', never)
    const used = async () => {
      const rows = await watch`select datname from pg_stat_activity where application_name = 'beamline' order by 1`
      return rows.map(({ datname }) => datname).join()
    }
    for (const name of ['p1', 'p2', 'p1']) await (await lease(name))[Symbol.asyncDispose]()
    expect(await used()).toBe('p1,p2')
    const third = await lease('p3')
    await eventually(async () => (await used()) === 'p1,p3')
    const first = await lease('p1')
    expect(await failureOf(() => lease('p2'))).toMatchObject({ code: 'RESOURCE_UNAVAILABLE', unsent: true })
    const waiting = lease('p2')
    expect(world.counts()).toMatchObject({ busy: 2, waiting: 1 })
    await third[Symbol.asyncDispose]()
    await using second = await waiting
    expect(await ask(second, 'select current_database()')).toBe('p2')
    await eventually(async () => (await used()) === 'p1,p2')
    await first[Symbol.asyncDispose]()
  })

  test('of jobs leave room for those of the operator, and a name or a time makes none', async () => {
    const env = { DATABASE_URL: server.url, SQL_MAX_POOLS: '1', SQL_QUEUE_TIMEOUT_MS: '200' }
    await using world = await openWorld({ env })
    const inline = (parameters: string) =>
      world.databases.resolve({ connectionString: `${server.url}?${parameters}` }, 't1').lease('t1', never)
    await using _first = await inline('application_name=a')
    await using _second = await inline('application_name=b&connect_timeout=3')
    await using named = await world.databases.resolve({}, 't2').lease('t2', never)
    expect(await ask(named, 'select 1')).toBe('1')
  })

  test('keep a place for others than the tenant that has all the rest', async () => {
    const env = { DATABASE_URL: server.url, SQL_POOL_SIZE: '3', SQL_QUEUE_TIMEOUT_MS: '5000' }
    await using world = await openWorld({ env })
    const lease = (tenantId: string) => world.databases.resolve({}, tenantId).lease(tenantId, never)
    const held = [await lease('t1'), await lease('t1')]
    const third = lease('t1')
    expect(world.counts()).toMatchObject({ busy: 2, waiting: 1 })
    await using _other = await lease('t2')
    expect(world.counts()).toMatchObject({ busy: 3, waiting: 1 })
    await held[0]?.[Symbol.asyncDispose]()
    held[0] = await third
    for (const each of held) await each[Symbol.asyncDispose]()
  })

  test('of jobs and of the operator are never the same', async () => {
    await using world = await openWorld({ env: { DATABASE_URL: server.url } })
    await using named = await world.databases.resolve({}, 't1').lease('t1', never)
    await named[Symbol.asyncDispose]()
    await using inline = await world.databases.resolve({ connectionString: server.url }, 't1').lease('t1', never)
    expect(world.counts()).toMatchObject({ busy: 1, idle: 1 })
    expect(inline.connection).not.toBe(named.connection)
  })
})

describe('a database that is not there', () => {
  test('fails each job that waits, at once, with one try for each place in the pool', async () => {
    await using hostile = await hostileServer((socket) => socket.destroy())
    const dsn = `postgres://u:not-to-be-seen@127.0.0.1:${hostile.port}/secret-db?sslmode=disable`
    await using world = await openWorld({ env: { SQL_POOL_SIZE: '4', DATABASE_URL: dsn } })
    const leases = Array.from({ length: 100 }, (_, index) =>
      failureOf(() => world.databases.resolve({}, `t${index % 4}`).lease(`t${index % 4}`, never)),
    )
    for (const { code, unsent, retry, message, details } of await Promise.all(leases)) {
      expect([code, unsent, retry, message]).toEqual([
        'DB_CONNECTION_ERROR',
        true,
        'backoff',
        'The connection to the database was lost',
      ])
      expect(details).toEqual({ reason: 'lost', setting: 'DATABASE_URL' })
    }
    expect(hostile.met).toBe(4)
    expect(world.counts()).toEqual({ busy: 0, idle: 0, waiting: 0 })
  })

  test('is told without the DSN, and tried again only where that may help', async () => {
    await watch`create role few login connection limit 0`
    const env = { SQL_CONNECTION_NONE: dsnOf('none'), SQL_CONNECTION_FEW: server.url.replace('postgres@', 'few@') }
    await using world = await openWorld({ env })
    const failed = (wanted: Record<string, string>) =>
      failureOf(() => world.databases.resolve(wanted, 't1').lease('t1', never))
    expect(await failed({ connection: 'none' })).toMatchObject({
      ...{ code: 'DB_CONNECTION_ERROR', retry: 'never', unsent: true, message: 'The server has no such database' },
      details: { reason: 'no_database', sql_state: '3D000', connection: 'none' },
    })
    expect(await failed({ connection: 'few' })).toMatchObject({
      ...{ retry: 'backoff', details: { reason: 'too_many', sql_state: '53300', connection: 'few' } },
    })
    const nobody = await failed({ connectionString: server.url.replace('postgres@', 'nobody:pass-word@') })
    expect(nobody).toMatchObject({ retry: 'never', details: { reason: 'authentication', host: '127.0.0.1' } })
    expect(JSON.stringify([nobody.message, nobody.details])).not.toMatch(/nobody|pass-word|postgres:/)
  })

  test('for more connections than there are leaves jobs the ones there are', async () => {
    await watch`create role two login connection limit 2`
    const env = { DATABASE_URL: server.url.replace('postgres@', 'two@'), SQL_POOL_SIZE: '6' }
    await using world = await openWorld({ env })
    const held = async () => {
      await using lease = await world.databases.resolve({}, 't1').lease('t1', never)
      return await ask(lease, 'select pg_backend_pid() from pg_sleep(0.02)')
    }
    await held()
    const pids = await Promise.all(Array.from({ length: 30 }, held))
    expect(new Set(pids).size).toBe(2)
  })

  test('is back as soon as it is, and leaves no connection behind', async () => {
    await using own = await startPostgres()
    await using world = await openWorld({ env: { DATABASE_URL: own.url } })
    const lease = () => world.databases.resolve({}, 't1').lease('t1', never)
    const held: Lease[] = await Promise.all([lease(), lease()])
    const running = Promise.allSettled(held.map((each) => ask(each, 'select pg_sleep(30)')))
    await own.stop()
    for (const end of await running)
      expect(end).toMatchObject({ status: 'rejected', reason: { name: 'ConnectionLost' } })
    for (const each of held) await each[Symbol.asyncDispose]()
    const start = systemClock.monotonic()
    expect(await failureOf(lease)).toMatchObject({ code: 'DB_CONNECTION_ERROR', details: { reason: 'refused' } })
    expect(systemClock.monotonic() - start).toBeLessThan(1000)
    await own.start()
    {
      await using again = await lease()
      expect(await ask(again, 'select 1')).toBe('1')
    }
    expect(world.counts()).toEqual({ busy: 0, idle: 1, waiting: 0 })
    const client = observer(own)
    expect(await sessions(client)).toBe(1)
    await world.databases[Symbol.asyncDispose]()
    await eventually(async () => (await sessions(client)) === 0)
    await client.end()
  }, 30_000)
})
