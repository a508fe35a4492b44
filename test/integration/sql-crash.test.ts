import { expect, test } from 'bun:test'
import postgres from 'postgres'
import { openProxy } from '../nats/proxy.ts'
import { type BeamlineProcess, startBeamline } from '../support/beamline-process.ts'
import { eventually } from '../support/eventually.ts'
import { assignment, sendAll } from '../support/fleet.ts'
import { startNats } from '../support/nats-server.ts'
import { startPostgres } from '../support/postgres.ts'
import { connectWire } from '../support/wire-client.ts'

const rounds = 10
const workersEach = 5

/**
 * A job's COMMIT waits for a lock of the test's; while it waits, nothing that the database says is let through to the
 * workers any more, then the lock is given up: the jobs are kept, and their workers cannot know it when they are killed.
 */
test('a worker killed between COMMIT and result, 50 times: with idempotent every effect is there once', async () => {
  await using nats = await startNats()
  await using server = await startPostgres()
  await using proxy = await openProxy(server.port)
  const other = postgres(server.url, { max: 3, onnotice: () => undefined })
  await other.unsafe(`
    create table effect (job text);
    create function wait_for_test() returns trigger language plpgsql as
      $$ begin perform pg_advisory_xact_lock_shared(1); return null; end $$;
    create constraint trigger late after insert on effect deferrable initially deferred
      for each row execute function wait_for_test()`)
  const settings = {
    NATS_URL: nats.url,
    JETSTREAM: 'require',
    ACK_WAIT_MS: '1000',
    MAX_DELIVERIES: '1000',
    WORKER_MAX_CONCURRENCY: '1',
    WORKER_PREFETCH: '1',
    DATABASE_URL: server.url.replace(`:${server.port}`, `:${new URL(proxy.url).port}`),
  }
  await using wire = await connectWire(nats.url)
  const start = () => startBeamline(['start'], settings)
  const waiting = async () => (await other`select 1 from pg_locks where locktype = 'advisory' and not granted`).length
  const kept = async () => (await other`select 1 from effect`).length
  const jobs: string[] = []

  for (let round = 0; round < rounds; round++) {
    const lock = await other.reserve()
    await lock`select pg_advisory_lock(1)`
    const workers: BeamlineProcess[] = await Promise.all(Array.from({ length: workersEach }, start))
    await using stack = new AsyncDisposableStack()
    for (const worker of workers) stack.use(worker)
    await Promise.all(workers.map((worker) => worker.ready()))
    const sent = workers.map(() => {
      const id = crypto.randomUUID()
      const query = 'insert into effect values ($1) returning job'
      return { ...assignment('sql', { query, args: [id], idempotent: true }), assignment_id: id }
    })
    jobs.push(...sent.map(({ assignment_id: id }) => id))
    await sendAll(wire, sent)
    await eventually(async () => (await waiting()) === workersEach, { timeoutMs: 30_000 })
    const before = await kept()
    proxy.hold()
    await lock`select pg_advisory_unlock(1)`
    lock.release()
    await eventually(async () => (await kept()) === before + workersEach)
    for (const id of sent.map(({ assignment_id: each }) => each)) expect(wire.results.has(id)).toBe(false)
    await Promise.all(workers.map((worker) => worker.stop('SIGKILL')))
    proxy.mend()
  }

  await using last = await startBeamline(['start'], { ...settings, WORKER_MAX_CONCURRENCY: '8', WORKER_PREFETCH: '16' })
  await last.ready()
  const results = await Promise.all(jobs.map((id) => wire.result(id, 60_000)))
  for (const [index, result] of results.entries()) {
    const output = { rows: [{ job: jobs[index] }], row_count: 1, rows_affected: 1 }
    expect(result).toMatchObject({ status: 'success', output })
  }
  const counts = await other`select job, count(*)::int as n from effect group by job`
  expect(counts).toBeArrayOfSize(rounds * workersEach)
  expect(counts.filter(({ n }) => n !== 1)).toEqual([])
  expect(wire.broken).toEqual([])
  await other.end({ timeout: 1 })
}, 300_000)
