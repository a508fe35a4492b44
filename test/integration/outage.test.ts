import { describe, expect, test } from 'bun:test'
import { startBeamline } from '../support/beamline-process.ts'
import { eventually } from '../support/eventually.ts'
import { assignment, deadLettersOf, notOnce, sendAll } from '../support/fleet.ts'
import { startNats } from '../support/nats-server.ts'
import { storedResults } from '../support/result-stream.ts'
import { connectWire } from '../support/wire-client.ts'

describe('NATS is killed under load and comes back', () => {
  test('JetStream: readiness goes 503 and back, every job has its one result in the stream', async () => {
    await using server = await startNats()
    await using beamline = await startBeamline(['start'], {
      NATS_URL: server.url,
      JETSTREAM: 'require',
      ACK_WAIT_MS: '5000',
    })
    await using wire = await connectWire(server.url)
    const url = await beamline.ready()
    const jobs = Array.from({ length: 600 }, () => assignment('sleep', { ms: 50 }))
    const ids = jobs.map((job) => job.assignment_id)
    await sendAll(wire, jobs)
    await wire.answered(50, 20_000)

    for (let kills = 0; kills < 3; kills++) {
      const answered = wire.results.size
      await server.kill()
      await eventually(async () => (await fetch(`${url}/ready`)).status === 503)
      expect(await (await fetch(`${url}/metrics`)).text()).toContain('\nworker_ready 0\n')
      await server.restart()
      await eventually(async () => (await fetch(`${url}/ready`)).status === 200, { timeoutMs: 30_000 })
      expect(await (await fetch(`${url}/metrics`)).text()).toContain('\nworker_ready 1\n')
      await wire.answered(Math.min(600, answered + 50), 60_000)
    }
    await eventually(async () => (await storedResults(server.url)).size === 600, { timeoutMs: 60_000, everyMs: 500 })

    const stored = await storedResults(server.url)
    expect(notOnce(ids, stored)).toEqual([])
    expect(ids.filter((id) => stored.get(id)?.[0]?.['status'] !== 'success')).toEqual([])
    expect(wire.broken).toEqual([])
  }, 180_000)

  test('core: what was taken before the outage is answered after it', async () => {
    await using server = await startNats({ jetstream: false })
    await using beamline = await startBeamline(['start'], { NATS_URL: server.url })
    await using wire = await connectWire(server.url)
    const url = await beamline.ready()
    const jobs = Array.from({ length: 8 }, () => assignment('sleep', { ms: 1500, timeout_ms: 20_000 }))
    await sendAll(wire, jobs)
    await eventually(() => wire.acks.size === 8)

    await server.kill()
    await eventually(async () => (await fetch(`${url}/ready`)).status === 503)
    await eventually(async () => (await (await fetch(`${url}/health`)).text()).includes('"active_jobs":0'), {
      timeoutMs: 20_000,
    })
    await server.restart()
    await wire.answered(8, 60_000)

    expect(
      notOnce(
        jobs.map((job) => job.assignment_id),
        wire.results,
      ),
    ).toEqual([])
    expect(wire.broken).toEqual([])
  }, 120_000)
})

test.each(['off', 'require'])(
  'with JETSTREAM=%s, stopping while NATS is away takes little longer than the grace period, and keeps the result',
  async (mode) => {
    await using server = await startNats()
    const settings = { NATS_URL: server.url, JETSTREAM: mode, SHUTDOWN_GRACE_MS: '500' }
    await using beamline = await startBeamline(['start'], settings)
    await using wire = await connectWire(server.url)
    const url = await beamline.ready()
    await sendAll(wire, [assignment('sleep', { ms: 300 }, { assignment_id: 'ended' })])
    await eventually(() => wire.acks.size === 1)
    await server.kill()
    await eventually(async () => (await fetch(`${url}/health`)).text().then((text) => text.includes('"active_jobs":0')))

    const from = performance.now()
    expect(await beamline.stop('SIGTERM')).toBe(0)
    expect(performance.now() - from).toBeLessThan(500 + 2000)
    expect(await deadLettersOf(beamline)).toMatchObject([{ reason: 'PUBLISH_ERROR', result: { status: 'success' } }])
  },
  60_000,
)
