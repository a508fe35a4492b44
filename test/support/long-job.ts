import { expect } from 'bun:test'
import { startBeamline } from './beamline-process.ts'
import { assignment, complaintsOf, metricComesTo, notOnce, sendAll, sumOfMetric } from './fleet.ts'
import { startNats } from './nats-server.ts'
import { storedResults } from './result-stream.ts'
import { connectWire } from './wire-client.ts'

interface LongJob {
  readonly jobMs: number
  readonly ackWaitMs: number
  /** Quick jobs that pass meanwhile. */
  readonly others: number
}

/** A job that lasts many leases runs once, while others pass: no redelivery, one result, no complaint. */
export async function expectOneLongRun({ jobMs, ackWaitMs, others }: LongJob): Promise<void> {
  await using server = await startNats()
  const settings = { NATS_URL: server.url, JETSTREAM: 'require', ACK_WAIT_MS: String(ackWaitMs) }
  await using worker = await startBeamline(['start'], settings)
  await using wire = await connectWire(server.url)
  await worker.ready()
  const long = assignment('sleep', { ms: jobMs, timeout_ms: jobMs + 30_000 })
  wire.send(long)
  const quick = Array.from({ length: others }, (_, n) => assignment('echo', { n }, { tenant_id: `tenant-${n % 3}` }))
  await sendAll(wire, quick)
  await wire.answered(others, 60_000)
  expect(wire.results.has(long.assignment_id)).toBe(false)

  const result = await wire.result(long.assignment_id, jobMs + 20_000)
  expect(result).toMatchObject({ status: 'success', attempts: 1, output: { slept_ms: jobMs } })
  await metricComesTo([worker], 'worker_jobs_total', others + 1)
  expect(await sumOfMetric([worker], 'worker_redeliveries_total')).toBe(0)
  expect(complaintsOf(worker)).toEqual([])
  const ids = [long, ...quick].map((job) => job.assignment_id)
  expect(notOnce(ids, await storedResults(server.url))).toEqual([])
  expect(wire.broken).toEqual([])
}
