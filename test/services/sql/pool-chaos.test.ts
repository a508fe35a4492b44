import { expect, test } from 'bun:test'
import { systemClock } from '../../../src/lib/clock.ts'
import { ConnectionLost } from '../../../src/services/sql/server-error.ts'
import { eventually } from '../../support/eventually.ts'
import { startPostgres } from '../../support/postgres.ts'
import { ask, never, observer, openWorld, sessions } from './databases-world.ts'

const enough = new Error('enough')

test('whatever becomes of those who lease, no place and no connection is lost', async () => {
  await using server = await startPostgres()
  const watch = observer(server)
  await using world = await openWorld({ env: { DATABASE_URL: server.url, SQL_POOL_SIZE: '4' } })
  const lease = (tenantId: string, signal: AbortSignal) => world.databases.resolve({}, tenantId).lease(tenantId, signal)

  async function job(index: number): Promise<void> {
    const control = new AbortController()
    const timer = systemClock.after(index % 3 === 0 ? Math.random() * 60 : 30_000, () => control.abort(enough))
    try {
      await using held = await lease(`t${index % 5}`, control.signal)
      if (index % 10 === 1) held.connection.discard()
      else if (index % 10 === 2) await ask(held, 'select pg_terminate_backend(pg_backend_pid())', control.signal)
      else await ask(held, `select pg_sleep(${Math.random() * 0.03})`, control.signal)
    } finally {
      timer.cancel()
    }
  }

  async function lane(first: number): Promise<void> {
    for (let index = first; index < 400; index += 20) await job(index).catch(noteEnd)
  }

  const ends = { cancelled: 0, lost: 0 }
  const noteEnd = (error: unknown): void => {
    if (error === enough) ends.cancelled++
    else if (error instanceof ConnectionLost) ends.lost++
    else throw error
  }
  await Promise.all(Array.from({ length: 20 }, (_, first) => lane(first)))
  expect(ends.cancelled).toBeGreaterThan(0)
  expect(ends.lost).toBeGreaterThan(0)
  expect(world.counts()).toMatchObject({ busy: 0, waiting: 0 })
  expect(world.counts().idle).toBeLessThanOrEqual(4)
  // Every place can be taken, each with a session of its own that does what it is asked.
  const all = await Promise.all(Array.from({ length: 4 }, (_, index) => lease(`t${8 + (index % 2)}`, never)))
  const pids = await Promise.all(all.map((held) => ask(held, 'select pg_backend_pid() from pg_sleep(0.05)')))
  expect(new Set(pids).size).toBe(4)
  for (const held of all) await held[Symbol.asyncDispose]()
  await eventually(async () => (await sessions(watch)) === 4)
  await watch.end()
}, 60_000)
