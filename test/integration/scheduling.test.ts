import { expect, test } from 'bun:test'
import { startBeamline } from '../support/beamline-process.ts'
import { eventually } from '../support/eventually.ts'
import { assignment, sendAll, sumOfMetric } from '../support/fleet.ts'
import { startNats } from '../support/nats-server.ts'
import { connectWire, type WireClient } from '../support/wire-client.ts'

test('core: one tenant floods 10,000 jobs of 20 ms, the ten jobs of another wait about two jobs each', async () => {
  await using server = await startNats({ jetstream: false })
  await using worker = await startBeamline(['start'], { NATS_URL: server.url, WORKER_QUEUE_SIZE: '20000' })
  await using wire = await connectWire(server.url)
  await worker.ready()
  const job = (tenant: string) =>
    assignment(
      'sleep',
      { ms: 20, timeout_ms: 60_000 },
      { tenant_id: tenant, options: { deadline_ms: 5000, priority: 50 } },
    )
  const flood = Array.from({ length: 10_000 }, () => job('flood'))
  const small = Array.from({ length: 10 }, () => job('small'))
  await sendAll(wire, flood.slice(0, 5000))
  await sendAll(wire, small)
  await sendAll(wire, flood.slice(5000))
  await Promise.all(small.map((each) => wire.result(each.assignment_id)))

  expect(wire.results.size).toBeLessThan(5000)
  const waits = small.map(({ assignment_id: id }) => waitOf(wire, id)).sort((a, b) => a - b)
  // Two jobs' time, and what the machine adds while it reads the flood.
  expect(waits[4]).toBeLessThan(2 * 20 + 20)
  expect(waits[9]).toBeLessThan(2 * 20 + 60)
  await eventually(() => wire.acks.size === 10_010)
}, 60_000)

/** From its ack to the start of its first attempt, by the worker's own clock, in milliseconds. */
function waitOf(wire: WireClient, id: string): number {
  const [ack, result] = [wire.acks.get(id)?.[0], wire.results.get(id)?.[0]]
  return Number(result?.['timestamp']) - Number(result?.['latency_ms']) - Number(ack?.['acknowledged_at'])
}

test.each(['off', 'require'])(
  'with JETSTREAM=%s, jobs that always fail and wait for their retries do not hold up others',
  async (mode) => {
    await using server = await startNats()
    const settings = { NATS_URL: server.url, JETSTREAM: mode, WORKER_MAX_CONCURRENCY: '4' }
    await using worker = await startBeamline(['start'], settings)
    await using wire = await connectWire(server.url)
    await worker.ready()
    const retry = { max_attempts: 4, backoff_ms: 3000 }
    const failing = Array.from({ length: 60 }, () =>
      assignment('sleep', { ms: 60_000, timeout_ms: 5 }, { tenant_id: 'failing', options: { retry } }),
    )
    await sendAll(wire, failing)
    const healthy = Array.from({ length: 40 }, (_, n) => assignment('echo', { n }, { tenant_id: 'healthy' }))
    await sendAll(wire, healthy)
    for (const job of healthy) expect(await wire.result(job.assignment_id, 10_000)).toMatchObject({ status: 'success' })
    expect(await sumOfMetric([worker], 'worker_job_retries_total')).toBeGreaterThan(4)

    await wire.answered(100, 60_000)
    const results = failing.map((job) => wire.results.get(job.assignment_id)?.[0])
    expect(results.filter((result) => result?.['status'] !== 'timeout' || result['attempts'] !== 4)).toEqual([])
    expect(wire.broken).toEqual([])
  },
  120_000,
)
