import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { systemClock } from '../../../src/lib/clock.ts'
import type { Lease } from '../../../src/services/sql/databases.ts'
import { eventually } from '../../support/eventually.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { type Postgres, startPostgres } from '../../support/postgres.ts'
import { ask, type DatabasesWorld, failureOf, never, observer, openWorld, sessions } from './databases-world.ts'

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

function world(env: Readonly<Record<string, string>> = {}, clock = systemClock): Promise<DatabasesWorld> {
  return openWorld({ env: { DATABASE_URL: server.url, ...env }, clock })
}

function lease({ databases }: DatabasesWorld, tenantId = 't1', signal = never): Promise<Lease> {
  return databases.resolve({}, tenantId).lease(tenantId, signal)
}

describe('connections', () => {
  test('are opened on demand, are never more than the pool holds, and are gone when it is closed', async () => {
    const pools = await world({ SQL_POOL_SIZE: '7' })
    let most = 0
    let done = 0
    const watching = (async () => {
      while (done < 200) most = Math.max(most, await sessions(watch))
    })()
    const pids = await Promise.all(
      Array.from({ length: 200 }, async (_, index) => {
        await using held = await lease(pools, `t${index % 13}`)
        const pid = await ask(held, 'select pg_backend_pid() from pg_sleep(0.002)')
        done++
        return pid
      }),
    )
    await watching
    expect(new Set(pids).size).toBe(7)
    expect(most).toBeLessThanOrEqual(7)
    expect(pools.counts()).toEqual({ busy: 0, idle: 7, waiting: 0 })
    await pools[Symbol.asyncDispose]()
    expect(pools.counts()).toEqual({ busy: 0, idle: 0, waiting: 0 })
    await eventually(async () => (await sessions(watch)) === 0)
  })

  test('are as few as will do, and none when nobody wants any', async () => {
    await using pools = await world()
    expect(await sessions(watch)).toBe(0)
    const pids: (string | null)[] = []
    for (let turn = 0; turn < 20; turn++) {
      await using held = await lease(pools)
      pids.push(await ask(held, 'select pg_backend_pid()'))
    }
    expect(new Set(pids).size).toBe(1)
  })

  test('that nobody has used for a minute are closed, and their pool with them', async () => {
    const clock = new FakeClock()
    await using pools = await world({}, clock)
    const held = await Promise.all([lease(pools), lease(pools)])
    await held[0]?.[Symbol.asyncDispose]()
    await clock.advance(40_000)
    await held[1]?.[Symbol.asyncDispose]()
    expect(pools.counts()).toMatchObject({ idle: 2 })
    await clock.advance(20_000)
    expect(pools.counts()).toMatchObject({ idle: 1 })
    await clock.advance(39_999)
    expect(pools.counts()).toMatchObject({ idle: 1 })
    await clock.advance(1)
    expect(pools.counts()).toMatchObject({ idle: 0 })
    expect(clock.pending).toBe(0)
    await eventually(async () => (await sessions(watch)) === 0)
  })

  test('that are not sound are ended and replaced', async () => {
    await using pools = await world({ SQL_POOL_SIZE: '1' })
    const seen = new Set<string | null>()
    for (let turn = 0; turn < 3; turn++) {
      await using held = await lease(pools)
      seen.add(await ask(held, 'select pg_backend_pid()'))
      held.connection.discard()
    }
    expect(seen.size).toBe(3)
    await eventually(async () => (await sessions(watch)) === 0)
  })

  test('that the server ended while nobody used them are not handed out', async () => {
    await using pools = await world()
    await Promise.all([lease(pools), lease(pools)]).then((held) =>
      Promise.all(held.map((each) => each[Symbol.asyncDispose]())),
    )
    await watch`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'beamline'`
    await eventually(() => pools.counts().idle === 0)
    await using held = await lease(pools)
    expect(await ask(held, 'select 1')).toBe('1')
  })
})

describe('those who wait', () => {
  test('are told after the time that the operator has set', async () => {
    const clock = new FakeClock()
    await using pools = await world({ SQL_POOL_SIZE: '1', SQL_QUEUE_TIMEOUT_MS: '1000' }, clock)
    await using held = await lease(pools)
    const waiting = failureOf(() => lease(pools))
    expect(pools.counts()).toEqual({ busy: 1, idle: 0, waiting: 1 })
    await clock.advance(1000)
    const { code, unsent, retry, details } = await waiting
    expect([code, unsent, retry, details]).toEqual(['RESOURCE_UNAVAILABLE', true, 'backoff', { reason: 'busy' }])
    expect(pools.counts()).toEqual({ busy: 1, idle: 0, waiting: 0 })
    expect(await ask(held, 'select 1')).toBe('1')
  })

  test('come in turn by tenant, each in the order in which its own came', async () => {
    await using pools = await world({ SQL_POOL_SIZE: '1' })
    const first = await lease(pools)
    const order: string[] = []
    const jobs = ['a1', 'a2', 'a3', 'b1', 'c1', 'b2'].map(async (job) => {
      await using _held = await lease(pools, job.slice(0, 1))
      order.push(job)
    })
    await first[Symbol.asyncDispose]()
    await Promise.all(jobs)
    expect(order).toEqual(['a1', 'b1', 'c1', 'a2', 'b2', 'a3'])
  })

  test('may leave, and take no connection with them', async () => {
    await using pools = await world({ SQL_POOL_SIZE: '1' })
    const held = await lease(pools)
    const control = new AbortController()
    const leaving = lease(pools, 't2', control.signal).catch((error: unknown) => error)
    const staying = lease(pools, 't3')
    const reason = new Error('enough')
    control.abort(reason)
    expect(await leaving).toBe(reason)
    await held[Symbol.asyncDispose]()
    await using next = await staying
    expect(await ask(next, 'select 1')).toBe('1')
    expect(await lease(pools, 't1', AbortSignal.abort(reason)).catch((error: unknown) => error)).toBe(reason)
  })

  test('are sent away when the process ends, and whoever has a connection may finish', async () => {
    const pools = await world({ SQL_POOL_SIZE: '1' })
    const held = await lease(pools)
    const waiting = failureOf(() => lease(pools))
    const closing = pools[Symbol.asyncDispose]()
    expect(await waiting).toMatchObject({ code: 'RESOURCE_UNAVAILABLE', unsent: true })
    expect(await failureOf(() => lease(pools))).toMatchObject({ code: 'RESOURCE_UNAVAILABLE', unsent: true })
    expect(await ask(held, 'select 1')).toBe('1')
    await held[Symbol.asyncDispose]()
    await closing
    await eventually(async () => (await sessions(watch)) === 0)
  })

  test('are not waited for at the end: a connection that is never given back is taken', async () => {
    const clock = new FakeClock()
    const pools = await world({}, clock)
    const held = await lease(pools)
    const closing = pools[Symbol.asyncDispose]()
    await clock.advance(2000)
    await closing
    expect(held.connection.isSound).toBe(false)
    await held[Symbol.asyncDispose]()
    expect(clock.pending).toBe(0)
    await eventually(async () => (await sessions(watch)) === 0)
  })
})

describe('between tenants', () => {
  test('nothing of a session is left', async () => {
    await using pools = await world({ SQL_POOL_SIZE: '1' })
    const pids: (string | null)[] = []
    {
      await using held = await lease(pools, 't1')
      pids.push(await ask(held, 'select pg_backend_pid()'))
      const left = `set search_path = secret; create temp table mine as select 1 as i; select pg_advisory_lock(42);
        prepare stolen as select 1; listen news; set session authorization default; create sequence if not exists s;
        select nextval('s'); declare c cursor with hold for select 1`
      await held.connection.control(left.replace('search_path = secret', "application_name = 'secret'"))
    }
    await using held = await lease(pools, 't2')
    pids.push(await ask(held, 'select pg_backend_pid()'))
    expect(pids[0]).toBe(pids[1] ?? '')
    expect(await ask(held, "select current_setting('application_name')")).toBe('beamline')
    expect(await ask(held, "select to_regclass('pg_temp.mine')")).toBeNull()
    const left = `select (select count(*) from pg_locks where locktype = 'advisory')
      + (select count(*) from pg_prepared_statements) + (select count(*) from pg_listening_channels())
      + (select count(*) from pg_cursors where is_holdable)`
    expect(await ask(held, left)).toBe('0')
    await expect(ask(held, "select currval('s')")).rejects.toMatchObject({ sqlState: '55000' })
  })

  test('a tenant gets its own connection back where it can', async () => {
    await using pools = await world()
    const pidOf = async (held: Lease) => ask(held, 'select pg_backend_pid()')
    const [a, b] = await Promise.all([lease(pools, 'a'), lease(pools, 'b')])
    const [pidA, pidB] = await Promise.all([pidOf(a), pidOf(b)])
    await a[Symbol.asyncDispose]()
    await b[Symbol.asyncDispose]()
    await using again = await lease(pools, 'a')
    expect(await pidOf(again)).toBe(pidA)
    await using other = await lease(pools, 'b')
    expect(await pidOf(other)).toBe(pidB)
  })

  test('a session that cannot be cleaned is not handed on', async () => {
    await using pools = await world({ SQL_POOL_SIZE: '1' })
    const pids: (string | null)[] = []
    {
      await using held = await lease(pools, 't1')
      pids.push(await ask(held, 'select pg_backend_pid()'))
      await held.connection.control('begin')
    }
    await using held = await lease(pools, 't2')
    pids.push(await ask(held, 'select pg_backend_pid()'))
    expect(pids[0]).not.toBe(pids[1] ?? null)
  })
})
