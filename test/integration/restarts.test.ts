import { describe, expect, test } from 'bun:test'
import { systemClock } from '../../src/lib/clock.ts'
import { type BeamlineProcess, startBeamline } from '../support/beamline-process.ts'
import { assignment, complaintsOf, notOnce, sendAll } from '../support/fleet.ts'
import { hasNats, startNats } from '../support/nats-server.ts'
import { storedResults } from '../support/result-stream.ts'
import { connectWire } from '../support/wire-client.ts'

const graceMs = 5000

describe('workers are stopped and started again', () => {
  test.each(['newest', 'old'] as const)(
    'JetStream on the %s server: 1,000 jobs of 200 ms through restarts every 2 s, each with its one result, none charged for a shutdown',
    async (version) => {
      if (!hasNats(version)) return expect(version).toBe('old')
      await using server = await startNats({ version })
      await using wire = await connectWire(server.url)
      const settings = {
        NATS_URL: server.url,
        JETSTREAM: 'require',
        SHUTDOWN_GRACE_MS: String(graceMs),
      }
      await using fleet = new AsyncDisposableStack()
      const start = async (): Promise<BeamlineProcess> => fleet.use(await startBeamline(['start'], settings))
      const workers = [await start(), await start()]
      await Promise.all(workers.map((worker) => worker.ready()))
      const jobs = Array.from({ length: 1000 }, () =>
        assignment('sleep', { ms: 200 }, { options: { retry: { max_attempts: 1 } } }),
      )
      const ids = jobs.map((job) => job.assignment_id)
      await sendAll(wire, jobs)

      const drains: { readonly code: number; readonly tookMs: number }[] = []
      const complaints: string[] = []
      for (let turn = 0; wire.results.size < 1000 && turn < 30; turn++) {
        await Promise.race([systemClock.sleep(2000), wire.answered(1000, 60_000)])
        const leaving = workers[turn % 2]
        if (leaving === undefined) throw new Error('The fleet has two workers')
        drains.push(await drain(leaving))
        complaints.push(...complaintsOf(leaving))
        workers[turn % 2] = await start()
      }
      await wire.answered(1000, 60_000)

      const stored = await storedResults(server.url)
      expect(notOnce(ids, stored)).toEqual([])
      const results = ids.map((id) => stored.get(id)?.[0] ?? {})
      expect(results.filter((result) => result['status'] !== 'success')).toEqual([])
      expect(results.filter((result) => result['attempts'] !== 1)).toEqual([])
      expect(drains.filter(({ code, tookMs }) => code !== 0 || tookMs > graceMs)).toEqual([])
      expect(drains.length).toBeGreaterThan(3)
      expect(complaints).toEqual([])
      expect(wire.deadLetters).toEqual([])
      expect(wire.broken).toEqual([])
    },
    180_000,
  )

  test('core: a worker with 500 jobs queued is stopped, the other runs them: one result each', async () => {
    await using server = await startNats({ jetstream: false })
    await using wire = await connectWire(server.url)
    const settings = { NATS_URL: server.url, WORKER_MAX_CONCURRENCY: '4' }
    await using first = await startBeamline(['start'], settings)
    const url = await first.ready()
    const jobs = Array.from({ length: 504 }, () => assignment('sleep', { ms: 500 }))
    const ids = jobs.map((job) => job.assignment_id)
    await sendAll(wire, jobs)
    await using second = await startBeamline(['start'], { ...settings, WORKER_MAX_CONCURRENCY: '256' })
    await second.ready()

    const health = await (await fetch(`${url}/health`)).json()
    expect(health).toMatchObject({ active_jobs: 4 })
    expect(await first.stop('SIGTERM')).toBe(0)
    await wire.answered(504, 60_000)

    expect(notOnce(ids, wire.results)).toEqual([])
    expect(ids.filter((id) => wire.results.get(id)?.[0]?.['status'] !== 'success')).toEqual([])
    expect(complaintsOf(first)).toEqual([])
    expect(wire.broken).toEqual([])
  }, 120_000)

  test('core: stopped with nobody else there, queued jobs end as interrupted and are kept', async () => {
    await using server = await startNats({ jetstream: false })
    await using wire = await connectWire(server.url)
    await using only = await startBeamline(['start'], { NATS_URL: server.url, WORKER_MAX_CONCURRENCY: '1' })
    await only.ready()
    const jobs = Array.from({ length: 6 }, () => assignment('sleep', { ms: 300 }))
    await sendAll(wire, jobs)
    await wire.answered(1, 20_000)

    expect(await only.stop('SIGTERM')).toBe(0)
    await wire.answered(6, 20_000)

    const outcomes = jobs.map((job) => wire.results.get(job.assignment_id)?.[0]?.['error_code'] ?? 'none')
    expect(outcomes.filter((code) => code === 'none').length).toBe(2)
    expect(outcomes.filter((code) => code === 'RESOURCE_UNAVAILABLE').length).toBe(4)
    expect(wire.deadLetters.map((letter) => letter['reason'])).toEqual([
      'INTERRUPTED',
      'INTERRUPTED',
      'INTERRUPTED',
      'INTERRUPTED',
    ])
    expect(wire.broken).toEqual([])
  }, 60_000)
})

async function drain(beamline: BeamlineProcess): Promise<{ code: number; tookMs: number }> {
  const from = systemClock.monotonic()
  const code = await beamline.stop('SIGTERM')
  return { code, tookMs: systemClock.monotonic() - from }
}
