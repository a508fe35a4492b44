import { describe, expect, test } from 'bun:test'
import { assignment, metricComesTo, notOnce, sendAll, startFleet } from '../support/fleet.ts'
import { startNats } from '../support/nats-server.ts'
import { storedResults } from '../support/result-stream.ts'
import { connectWire } from '../support/wire-client.ts'

describe('three workers share the assignments', () => {
  test.each(['off', 'require'])(
    '5,000 with JETSTREAM=%s: one accepted ack, one result and one execution each',
    async (mode) => {
      await using server = await startNats()
      const settings = { NATS_URL: server.url, JETSTREAM: mode, WORKER_QUEUE_SIZE: '10000' }
      await using fleet = await startFleet(3, settings)
      await using wire = await connectWire(server.url)

      const jobs = Array.from({ length: 5000 }, (_, n) => assignment('echo', { n }))
      const ids = jobs.map((job) => job.assignment_id)
      await sendAll(wire, jobs)
      await wire.answered(5000, 60_000)

      expect(notOnce(ids, wire.acks)).toEqual([])
      expect(ids.filter((id) => wire.acks.get(id)?.[0]?.['status'] !== 'accepted')).toEqual([])
      expect(notOnce(ids, wire.results)).toEqual([])
      expect(ids.map((id) => wire.results.get(id)?.[0]?.['output'])).toEqual(ids.map((_, n) => ({ n })))
      await metricComesTo(fleet.workers, 'worker_jobs_total', 5000)
      expect(wire.broken).toEqual([])
      if (mode === 'require') expect(notOnce(ids, await storedResults(server.url))).toEqual([])
    },
    120_000,
  )

  test('core, default queue, one slot each: a burst of 10,000 ends with a result for each, done or refused', async () => {
    await using server = await startNats({ jetstream: false })
    const settings = { NATS_URL: server.url, WORKER_MAX_CONCURRENCY: '1' }
    await using fleet = await startFleet(3, settings)
    await using wire = await connectWire(server.url)

    const jobs = Array.from({ length: 10_000 }, () => assignment('sleep', { ms: 2 }))
    const ids = jobs.map((job) => job.assignment_id)
    for (const job of jobs) wire.send(job)
    await wire.answered(10_000, 90_000)

    const done = ids.filter((id) => wire.results.get(id)?.[0]?.['status'] === 'success').length
    const refused = ids.filter((id) => wire.results.get(id)?.[0]?.['error_code'] === 'SYSTEM_OVERLOAD').length
    expect({ done: done > 0, refused: refused > 0, all: done + refused }).toEqual({
      done: true,
      refused: true,
      all: 10_000,
    })
    expect(notOnce(ids, wire.results)).toEqual([])
    expect(notOnce(ids, wire.acks)).toEqual([])
    await metricComesTo(fleet.workers, 'worker_jobs_total', done)
    expect(wire.broken).toEqual([])
  }, 120_000)
})
