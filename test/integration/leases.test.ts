import { expect, test } from 'bun:test'
import { startBeamline } from '../support/beamline-process.ts'
import { assignment, sendAll, sumOfMetric } from '../support/fleet.ts'
import { expectOneLongRun } from '../support/long-job.ts'
import { startNats } from '../support/nats-server.ts'
import { connectWire } from '../support/wire-client.ts'

test('a job of eight leases runs once, while 2,000 others pass', async () => {
  await expectOneLongRun({ jobMs: 8000, ackWaitMs: 1000, others: 2000 })
}, 60_000)

test('a worker that is killed loses nothing: another runs its jobs when their leases end', async () => {
  await using server = await startNats()
  const settings = { NATS_URL: server.url, JETSTREAM: 'require', ACK_WAIT_MS: '1000' }
  await using wire = await connectWire(server.url)
  await using first = await startBeamline(['start'], settings)
  await first.ready()
  const jobs = Array.from({ length: 40 }, () => assignment('sleep', { ms: 300 }))
  await sendAll(wire, jobs)
  await wire.answered(8, 20_000)
  await first.stop('SIGKILL')
  await using second = await startBeamline(['start'], settings)
  await second.ready()
  await wire.answered(40, 30_000)
  expect(jobs.filter((job) => wire.results.get(job.assignment_id)?.[0]?.['status'] !== 'success')).toEqual([])
  expect(await sumOfMetric([second], 'worker_redeliveries_total')).toBeGreaterThan(0)
  expect(wire.deadLetters).toEqual([])
}, 60_000)
