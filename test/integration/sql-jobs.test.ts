/** SQL jobs in a worker process: what is slow or too much ends in time, and stands in nobody's way. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { readFile } from 'node:fs/promises'
import postgres from 'postgres'
import { type BeamlineProcess, startBeamline } from '../support/beamline-process.ts'
import { eventually } from '../support/eventually.ts'
import { assignment, sendAll } from '../support/fleet.ts'
import { type NatsServer, startNats } from '../support/nats-server.ts'
import { type Postgres, startPostgres } from '../support/postgres.ts'
import { connectWire, type Wire, type WireClient } from '../support/wire-client.ts'

const poolSize = 5

describe('sql jobs in a process', () => {
  let nats: NatsServer
  let server: Postgres
  let beamline: BeamlineProcess
  let wire: WireClient
  let other: postgres.Sql

  beforeAll(async () => {
    ;[nats, server] = await Promise.all([startNats(), startPostgres()])
    beamline = await startBeamline(['start'], {
      NATS_URL: nats.url,
      JETSTREAM: 'off',
      WORKER_MAX_CONCURRENCY: '32',
      DATABASE_URL: server.url,
      SQL_POOL_SIZE: String(poolSize),
    })
    wire = await connectWire(nats.url)
    other = postgres(server.url, { max: 2 })
    await beamline.ready()
    await other`create table kv (id int primary key, v text)`
    await other`insert into kv select g, 'value ' || g from generate_series(1, 10000) g`
  }, 60_000)

  afterAll(async () => {
    await other.end({ timeout: 1 })
    await wire[Symbol.asyncDispose]()
    await beamline[Symbol.asyncDispose]()
    await server[Symbol.asyncDispose]()
    await nats[Symbol.asyncDispose]()
  })

  const send = (payload: Wire, more: Wire = {}) => {
    const message = assignment('sql.query', payload, more)
    wire.send(message)
    return message.assignment_id
  }
  const run = (payload: Wire, more: Wire = {}) => wire.result(send(payload, more))
  const select = { query: 'select id, v from kv where id = $1', args: [7] }
  const running = async () => {
    const rows = await other`
      select state, query from pg_stat_activity where application_name like 'beamline%' and state <> 'idle'`
    return [...rows]
  }

  test('pg_sleep(30) with timeout_ms 200 ends in 200 to 700 ms, leaves nothing, and the next 100 queries are served', async () => {
    await run(select)
    const result = await run({ query: 'select pg_sleep(30)', timeout_ms: 200 })
    expect(result).toMatchObject({ status: 'timeout', error_code: 'TIMEOUT', attempts: 1 })
    expect(result['latency_ms']).toBeGreaterThanOrEqual(200)
    expect(result['latency_ms']).toBeLessThanOrEqual(700)
    expect(await running()).toEqual([])
    const ids = Array.from({ length: 100 }, () => send(select))
    for (const id of ids) {
      expect(await wire.result(id)).toMatchObject({ status: 'success', output: { rows: [{ id: 7, v: 'value 7' }] } })
    }
  }, 30_000)

  test.each([
    ['in a function', 'do $$ begin loop perform pg_sleep(0.01); end loop; end $$'],
    ['that computes', 'select count(*) from generate_series(1, 1000000000) a'],
    [
      'that catches what it can',
      'do $$ begin loop begin perform pg_sleep(1); exception when others then null; end; end loop; end $$',
    ],
  ])(
    'a statement %s ends in time too',
    async (_, query) => {
      const result = await run({ query, timeout_ms: 200 })
      expect(result).toMatchObject({ status: 'timeout', error_code: 'TIMEOUT' })
      expect(result['latency_ms']).toBeLessThanOrEqual(900)
      await eventually(async () => (await running()).length === 0)
      expect(await run(select)).toMatchObject({ status: 'success' })
    },
    30_000,
  )

  test('a job that waits for a lock ends in time, and a cancelled one at once', async () => {
    const held = await other.reserve()
    await held`begin`
    await held`update kv set v = v where id = 1`
    const update = { query: 'update kv set v = $1 where id = 1', args: ['x'] }
    const late = await run({ ...update, timeout_ms: 200 })
    expect(late).toMatchObject({ status: 'timeout', retryable: true })
    expect(late['error_details']).toBeUndefined()
    const id = send(update)
    await eventually(async () => (await running()).length > 0)
    const from = performance.now()
    wire.cancel(id)
    expect(await wire.result(id)).toMatchObject({ status: 'cancelled' })
    expect(performance.now() - from).toBeLessThan(1000)
    await held`rollback`
    held.release()
    expect(await running()).toEqual([])
  }, 30_000)

  test('quick queries keep a p99 under 50 ms while slow ones hold the other connections', async () => {
    const slow = Array.from({ length: poolSize - 1 }, () => send({ query: 'select pg_sleep(8)' }))
    await eventually(async () => (await running()).length === poolSize - 1)
    const latencies: number[] = []
    for (let index = 0; index < 300; index++)
      latencies.push(Number((await run(select, { tenant_id: 'other' }))['latency_ms']))
    latencies.sort((a, b) => a - b)
    expect(latencies[Math.floor(latencies.length * 0.99)]).toBeLessThan(50)
    expect(await running()).toBeArrayOfSize(poolSize - 1)
    for (const id of slow) expect(await wire.result(id)).toMatchObject({ status: 'success' })
  }, 60_000)

  test('a SELECT of 100 million rows stops at its limit, in bounded memory', async () => {
    const status = async () => {
      const text = await readFile(`/proc/${beamline.pid}/status`, 'utf8')
      return Number(/VmHWM:\s+(\d+)/.exec(text)?.[1]) / 1024
    }
    const runaway = { query: "select generate_series(1, 100000000) as n, 'some text to fill the row' as t" }
    expect(await run(runaway)).toMatchObject({
      error_code: 'QUOTA_EXCEEDED',
      error_details: { limit: 'rows', max: 10_000 },
    })
    const before = await status()
    for (let round = 0; round < 5; round++) {
      expect(await run(runaway)).toMatchObject({ error_code: 'QUOTA_EXCEEDED' })
      const cut = await run({ ...runaway, on_limit: 'truncate', format: 'columns' })
      expect(cut).toMatchObject({ status: 'success', output: { truncated: true, row_count: 10_000 } })
      const wide = await run({ query: "select repeat('x', 10000) as x, generate_series(1, 100000000)" })
      expect(wide).toMatchObject({ error_code: 'OUTPUT_TOO_LARGE' })
    }
    expect((await status()) - before).toBeLessThan(60)
    expect(await running()).toEqual([])
  }, 60_000)

  test('a deadlock is tried again, and both jobs succeed', async () => {
    const pairs = Array.from({ length: 10 }, (_, index) => [100 + 2 * index, 101 + 2 * index] as const)
    const update = (id: number) => ({ query: 'update kv set v = v where id = $1', args: [id] })
    const swap = (a: number, b: number) =>
      assignment('sql', { transaction: { statements: [update(a), { query: 'select pg_sleep(0.05)' }, update(b)] } })
    const jobs = pairs.flatMap(([a, b]) => [swap(a, b), swap(b, a)])
    await sendAll(wire, jobs)
    const results = await Promise.all(jobs.map(({ assignment_id: id }) => wire.result(id, 30_000)))
    expect(results.map(({ status }) => status)).toEqual(jobs.map(() => 'success'))
    expect(results.some(({ attempts }) => Number(attempts) > 1)).toBe(true)
  }, 60_000)

  test('a deadline is what the server is told', async () => {
    const query = "select current_setting('statement_timeout') as ms"
    const { output } = await run({ query }, { options: { deadline_ms: 3000 } })
    // As the job gives it.
    const [{ ms } = { ms: '' }] = (output as { rows: { ms: string }[] }).rows
    expect(Number.parseInt(ms, 10)).toBeGreaterThan(2250)
    expect(Number.parseInt(ms, 10)).toBeLessThanOrEqual(3250)
  }, 30_000)
})
