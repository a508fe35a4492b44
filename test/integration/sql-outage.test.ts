import { expect, test } from 'bun:test'
import postgres from 'postgres'
import { startBeamline } from '../support/beamline-process.ts'
import { eventually } from '../support/eventually.ts'
import { assignment, sendAll } from '../support/fleet.ts'
import { startNats } from '../support/nats-server.ts'
import { startPostgres } from '../support/postgres.ts'
import { connectWire, type Wire } from '../support/wire-client.ts'

const poolSize = 5
const outages = 3
const jobsEach = 300

test('PostgreSQL stopped and started under load: no job hangs or is lost, no connection is left', async () => {
  await using nats = await startNats()
  await using server = await startPostgres()
  const connect = () => postgres(server.url, { max: 1, onnotice: () => undefined })
  let other = connect()
  await other`create table done (id text primary key)`
  await using beamline = await startBeamline(['start'], {
    NATS_URL: nats.url,
    JETSTREAM: 'off',
    DATABASE_URL: server.url,
    SQL_POOL_SIZE: String(poolSize),
    WORKER_MAX_CONCURRENCY: '16',
  })
  await using wire = await connectWire(nats.url)
  await beamline.ready()

  const ids: string[] = []
  for (let outage = 0; outage < outages; outage++) {
    const jobs = Array.from({ length: jobsEach }, () => {
      const id = crypto.randomUUID()
      const transaction = {
        statements: [{ query: 'insert into done values ($1)', args: [id] }, { query: 'select pg_sleep(0.01)' }],
      }
      return { ...assignment('sql', { transaction }), assignment_id: id }
    })
    ids.push(...jobs.map(({ assignment_id: id }) => id))
    const before = wire.results.size
    await sendAll(wire, jobs)
    await wire.answered(before + 20, 20_000)
    await other.end({ timeout: 1 })
    await server.stop()
    // Some fail while it is away.
    await eventually(() => wire.results.size > before + 25, { timeoutMs: 20_000 })
    await server.start()
    other = connect()
    await wire.answered(before + jobsEach, 60_000)
  }

  const results = ids.map((id): Wire => ({ id, ...wire.results.get(id)?.[0] }))
  const failed = results.filter(({ status }) => status !== 'success')
  for (const result of failed) expect(result).toMatchObject({ status: 'error', error_code: 'DB_CONNECTION_ERROR' })
  const kept = new Set((await other<{ id: string }[]>`select id from done`).map(({ id }) => id))
  for (const { id, status } of results) if (status === 'success') expect(kept).toContain(id as string)
  // Whoever was told that another try may help has changed nothing.
  for (const { id, retryable } of failed) if (retryable === true) expect(kept).not.toContain(id as string)

  const fresh = assignment('sql', { query: 'select 1 as one' })
  wire.send(fresh)
  expect(await wire.result(fresh.assignment_id)).toMatchObject({ status: 'success' })
  const sessions = async () =>
    (await other`select pid from pg_stat_activity where application_name like 'beamline%'`).length
  expect(await sessions()).toBeLessThanOrEqual(poolSize)
  expect(await beamline.stop()).toBe(0)
  await eventually(async () => (await sessions()) === 0)
  expect(wire.broken).toEqual([])
  await other.end({ timeout: 1 })
}, 180_000)
