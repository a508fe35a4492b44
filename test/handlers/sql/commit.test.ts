/** A COMMIT whose answer never comes: nobody knows, unless the job wrote it down. */
import { afterAll, beforeEach, expect, test } from 'bun:test'
import { openProxy } from '../../nats/proxy.ts'
import { eventually } from '../../support/eventually.ts'
import { startPostgres } from '../../support/postgres.ts'
import { startRig } from '../../support/worker-rig.ts'
import { openSqlWorld, type Wire } from './sql-world.ts'

const server = await startPostgres()
const proxy = await openProxy(server.port)
const env = { DATABASE_URL: server.url.replace(`:${server.port}`, `:${new URL(proxy.url).port}`) }
const world = await openSqlWorld({ server, env })
const { other } = world

afterAll(async () => {
  await world[Symbol.asyncDispose]()
  await proxy[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

await other.unsafe(`
  create table effect (job text);
  create function wait_for_test() returns trigger language plpgsql as
    $$ begin perform pg_advisory_xact_lock_shared(1); return null; end $$;
  create constraint trigger late after insert on effect deferrable initially deferred
    for each row execute function wait_for_test()`)

beforeEach(async () => {
  await other`truncate effect`
})

const insert = { query: 'insert into effect values ($1) returning job', args: ['x'] }
const kept = async () => (await other`select 1 from effect`).length

/** Runs it while the server's answer to COMMIT is lost, and then the connection. */
async function losingTheAnswer(run: () => Promise<unknown>): Promise<unknown> {
  const lock = await other.reserve()
  await lock`select pg_advisory_lock(1)`
  const running = run()
  await eventually(async () => (await other`select 1 from pg_locks where not granted`).length > 0)
  proxy.hold()
  await lock`select pg_advisory_unlock(1)`
  lock.release()
  await eventually(async () => (await kept()) === 1)
  proxy.cut()
  proxy.mend()
  return running
}

test('is DB_CONNECTION_ERROR that does not say that nothing was kept', async () => {
  const error = await losingTheAnswer(() => world.failure(insert))
  expect(error).toMatchObject({ code: 'DB_CONNECTION_ERROR', unsent: false })
  expect(await kept()).toBe(1)
})

test('ends a job that writes, without another try, as unknown', async () => {
  await using rig = await startRig({ env })
  rig.assign({ job: { type: 'sql', payload: insert } })
  const result = await losingTheAnswer(() => rig.result('a-1'))
  expect(result).toMatchObject({ error_code: 'DB_CONNECTION_ERROR', retryable: false, attempts: 1 })
  expect(result).toMatchObject({
    error_details: { outcome: 'unknown', reason: 'lost' },
    error_type: 'connection_error',
  })
  expect(await kept()).toBe(1)
})

test('has an idempotent job tried again, which finds what it did', async () => {
  await using rig = await startRig({ env })
  rig.assign({ job: { type: 'sql', payload: { ...insert, idempotent: true } } })
  const result = await losingTheAnswer(() => rig.result('a-1'))
  expect(result).toMatchObject({ status: 'success', attempts: 2, output: { rows: [{ job: 'x' }], rows_affected: 1 } })
  expect(await kept()).toBe(1)
})

test('before it was sent, a lost connection is tried again whatever the job does', async () => {
  await using rig = await startRig({ env })
  const payload = { transaction: { statements: [insert, { query: 'select pg_sleep(0.5)' }] } }
  rig.assign({ job: { type: 'sql', payload } })
  await eventually(async () => (await other`select 1 from pg_stat_activity where wait_event = 'PgSleep'`).length > 0)
  proxy.cut()
  proxy.mend()
  expect(await rig.result('a-1')).toMatchObject({ status: 'success', attempts: 2 })
  expect(await kept()).toBe(1)
})

test.each<[payload: Wire, options: Wire, attempts: number, retryable: boolean]>([
  [{ query: 'select 1/0' }, {}, 1, false],
  [{ query: 'select 1/0' }, { retry: { max_attempts: 5 } }, 1, false],
  [{ query: 'select pg_sleep(10)', timeout_ms: 50 }, {}, 1, true],
  [{ query: 'select pg_sleep(10)', timeout_ms: 50 }, { retry: { max_attempts: 3, backoff_ms: 0 } }, 3, true],
  [{ query: 'select pg_terminate_backend(pg_backend_pid())' }, { retry: { max_attempts: 2, backoff_ms: 0 } }, 2, true],
])('how often %j with options %j is tried', async (payload, options, attempts, retryable) => {
  await using rig = await startRig({ env })
  rig.assign({ job: { type: 'sql', payload }, options })
  expect(await rig.result('a-1')).toMatchObject({ attempts, retryable })
})
