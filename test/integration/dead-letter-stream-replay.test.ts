import { expect, test } from 'bun:test'
import { systemClock } from '../../src/lib/clock.ts'
import { runBeamline, startBeamline } from '../support/beamline-process.ts'
import { assignment } from '../support/fleet.ts'
import { startNats } from '../support/nats-server.ts'
import { connectWire, type Wire } from '../support/wire-client.ts'

test('with DLQ_STREAM the command lists, replays and removes what any worker of the fleet has buried', async () => {
  await using server = await startNats()
  await using wire = await connectWire(server.url)
  const settings = { NATS_URL: server.url, JETSTREAM: 'require', DLQ_STREAM: 'DEAD_LETTERS' }
  await using one = await startBeamline(['start'], settings)
  await using other = await startBeamline(['start'], settings)
  await Promise.all([one.ready(), other.ready()])
  const jobs = Array.from({ length: 20 }, () => assignment('javascript', { code: 'throw new Error("no")' }))
  for (const job of jobs) wire.send(job)
  await wire.answered(20, 20_000)
  const dlq = async (...args: readonly string[]) => {
    const { code, stdout } = await runBeamline(['dlq', ...args], settings)
    return { code, stdout }
  }
  const list = async () => (await dlq('list', '--json')).stdout.map((line) => JSON.parse(line) as Wire)
  expect(new Set((await list()).map((record) => record['assignment_id'])).size).toBe(20)

  // What fails again meanwhile is another dead letter.
  const replay = ['replay', '--json', '--before', new Date(systemClock.now() + 1).toISOString()]
  const [first, second] = await Promise.all([dlq(...replay), dlq(...replay)])
  const sent = [...first.stdout, ...second.stdout].map((line) => JSON.parse(line) as Wire)
  expect(sent.flatMap(({ outcome, as }) => (outcome === 'sent' ? [String(as)] : [])).toSorted()).toEqual(
    jobs.map((job) => `${job.assignment_id}.r1`).toSorted(),
  )
  await wire.answered(40, 20_000)
  const again = (await list()).filter((record) => record['replay_of'] !== undefined)
  expect(again.length).toBe(20)
  expect(await dlq('purge', '--state', 'replayed')).toMatchObject({ code: 2 })
  expect(await dlq('purge', '--state', 'replayed', '--yes')).toEqual({ code: 0, stdout: ['20 dead letters removed'] })
  expect((await dlq('replay')).code).toBe(0)
  await wire.answered(60, 20_000)
  const counts = jobs.flatMap(({ assignment_id: id }) =>
    ['', '.r1', '.r2'].map((end) => wire.results.get(`${id}${end}`)?.length),
  )
  expect(counts).toEqual(Array(60).fill(1))
}, 60_000)
