import { describe, expect, test } from 'bun:test'
import { FakeClock } from '../support/fake-clock.ts'
import { probe, untilStopped } from '../support/probe.ts'
import { startRig } from '../support/worker-rig.ts'

describe('heartbeats', () => {
  test('come at once and then at their interval, and are counted', async () => {
    const clock = new FakeClock()
    await using rig = await startRig({ clock, env: { CAF_HEARTBEAT_INTERVAL_MS: '2000' } })
    await clock.advance(1999)
    expect(rig.heartbeats.all.length).toBe(1)
    await clock.advance(1)
    await clock.advance(2000)
    expect(rig.heartbeats.all.length).toBe(3)
    expect(await rig.metric('worker_heartbeats_sent_total')).toBe(3)
    expect(rig.heartbeats.all.map(({ wire }) => wire['timestamp'])).toEqual(
      [0, 2000, 4000].map((ms) => new Date(1_700_000_000_000 + ms).toISOString()),
    )
  })

  test('say what runs and what waits', async () => {
    const clock = new FakeClock()
    await using rig = await startRig({
      handlers: [probe(untilStopped)],
      clock,
      env: { CAF_HEARTBEAT_INTERVAL_MS: '2000', WORKER_MAX_CONCURRENCY: '2', WORKER_CPU_POOL_SIZE: '7' },
    })
    for (let index = 0; index < 3; index++) rig.assign({ assignment_id: `a-${index}`, job: { type: 'probe' } })
    await clock.advance(2000)
    const [first, second] = rig.heartbeats.all.map(({ wire }) => wire)
    expect(first).toMatchObject({ version: '1', worker_id: 'worker-of-test', status: 'idle', load: 0 })
    expect(second).toMatchObject({
      status: 'busy',
      load: 1,
      resources: { jobs_in_flight: 2, queue_depth: 1 },
      metadata: { job_types: ['probe'] },
    })
    const { cpu, mem_bytes: memBytes } = { cpu: -1, mem_bytes: 0, ...(second?.['resources'] as object) }
    expect(cpu).toBeGreaterThanOrEqual(0)
    expect(memBytes).toBeGreaterThan(1_000_000)
    for (let index = 0; index < 3; index++) rig.cancel(`a-${index}`)
    await rig.results.some(3)
  })

  test('repeat that the worker is draining, and end with one that says stopped', async () => {
    const clock = new FakeClock()
    await using rig = await startRig({
      handlers: [probe(untilStopped)],
      clock,
      env: { CAF_HEARTBEAT_INTERVAL_MS: '2000', SHUTDOWN_GRACE_MS: '5000' },
    })
    rig.assign({ job: { type: 'probe' } })
    await clock.advance(0)
    await rig.drain()
    await clock.advance(10_000)
    expect(rig.heartbeats.all.map(({ wire }) => wire['status'])).toEqual([
      'idle',
      'draining',
      'draining',
      'draining',
      'stopped',
    ])
  })

  test('are not kept while there is no connection', async () => {
    const clock = new FakeClock()
    let connected = true
    await using rig = await startRig({
      clock,
      env: { CAF_HEARTBEAT_INTERVAL_MS: '1000' },
      wrap: (bus) => Object.defineProperty(bus, 'connected', { get: () => connected }),
    })
    connected = false
    await clock.advance(3000)
    connected = true
    await clock.advance(1000)
    expect(rig.heartbeats.all.length).toBe(2)
    expect(await rig.metric('worker_heartbeats_sent_total')).toBe(2)
  })
})
