import { expect, test } from 'bun:test'
import { systemClock } from '../../src/lib/clock.ts'
import { type BeamlineProcess, startBeamline } from '../support/beamline-process.ts'
import { eventually } from '../support/eventually.ts'
import { assignment, sendAll, sumOfMetric } from '../support/fleet.ts'
import { startNats } from '../support/nats-server.ts'
import { connectWire, type WireClient } from '../support/wire-client.ts'

const approvals = 1000
const echoes = 5000
const mostGrowthBytes = 30_000_000

test.each(['nats', 'sqlite'])(
  '1,000 approvals kept in %s wait on a worker with 4 slots, which runs echo at full speed and hardly grows',
  async (store) => {
    await using server = await startNats()
    await using worker = await startBeamline(['start'], {
      ...{ NATS_URL: server.url, JETSTREAM: 'require', STATE_STORE: store },
      ...{ WORKER_MAX_CONCURRENCY: '4', WORKER_PREFETCH: '200' },
    })
    await using wire = await connectWire(server.url)
    await worker.ready()
    // So that what any work costs once is there before.
    await runEchoes(wire, 2)
    const before = await rssAtRest(worker)
    const alone = await runEchoes(wire, 1)
    const jobs = Array.from({ length: approvals }, (_, n) =>
      assignment('human_approval', { prompt: `Shall we do number ${n}?`, approvers: ['ann', 'bob'] }),
    )
    await sendAll(wire, jobs)
    await eventually(async () => (await sumOfMetric([worker], 'worker_parked_jobs')) === approvals, {
      timeoutMs: 30_000,
      everyMs: 100,
    })
    expect(await sumOfMetric([worker], 'worker_active_jobs')).toBe(0)
    const beside = await runEchoes(wire, 1)
    expect(beside).toBeGreaterThan(alone / 2)
    const grown = (await rssAtRest(worker)) - before
    expect(grown).toBeLessThan(mostGrowthBytes)
    expect(wire.broken).toEqual([])
  },
  120_000,
)

/** How many a second. */
async function runEchoes(wire: WireClient, rounds: number): Promise<number> {
  const from = systemClock.monotonic()
  const known = wire.results.size
  await sendAll(
    wire,
    Array.from({ length: rounds * echoes }, (_, n) => assignment('echo', { n })),
  )
  await wire.answered(known + rounds * echoes, 60_000)
  return (rounds * echoes * 1000) / (systemClock.monotonic() - from)
}

/** What the process takes when it has nothing to do and has given back what it could, in bytes. */
async function rssAtRest(worker: BeamlineProcess): Promise<number> {
  let least = Number.POSITIVE_INFINITY
  for (let look = 0; look < 12; look++) {
    await systemClock.sleep(500)
    least = Math.min(least, await sumOfMetric([worker], 'process_resident_memory_bytes'))
  }
  return least
}
