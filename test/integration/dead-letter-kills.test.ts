import { expect, test } from 'bun:test'
import { fileWorld } from '../dlq/file-world.ts'
import { runBeamline, startBeamline } from '../support/beamline-process.ts'
import { notOnce } from '../support/fleet.ts'
import { expectEachReplayedOnce } from '../support/job-letter-crashes.ts'
import { jobLetter } from '../support/job-letters.ts'
import { allOf } from '../support/letters.ts'
import { startNats } from '../support/nats-server.ts'
import { connectWire, type Wire } from '../support/wire-client.ts'

const random = (most: number): number => Math.floor(Math.random() * most)

test('of killed writers, every dead letter that was kept is there, and replaying all gives each job one result', async () => {
  await expectEachReplayedOnce(24)
}, 60_000)

test('a replayer is killed again and again: nothing is sent twice but what it had begun, and that only when forced', async () => {
  await using world = await fileWorld()
  const store = await world.open()
  const ids = Array.from({ length: 600 }, (_, at) => `job-${at}`)
  for (const id of ids) await store.write(jobLetter(id, id))
  await using server = await startNats()
  await using wire = await connectWire(server.url)
  const settings = { NATS_URL: server.url, JETSTREAM: 'require', DLQ_PATH: world.path }
  await using worker = await startBeamline(['start'], { NATS_URL: server.url, JETSTREAM: 'require' })
  await worker.ready()

  for (let kills = 0; kills < 12; kills += 1) {
    await using replayer = await startBeamline(['dlq', 'replay', '--json'], settings)
    const most = random(60)
    await replayer.waitFor(() => replayer.stdout.length >= most).catch(() => '')
    await replayer.stop('SIGKILL')
  }
  const { code } = await runBeamline(['dlq', 'replay'], settings)
  const begun = (await allOf(store)).filter(({ mark }) => mark?.state === 'begun')
  const isBegun = new Set(begun.map(({ record }) => record.assignment_id))
  expect(isBegun.size).toBeLessThanOrEqual(12)
  expect(code).toBe(isBegun.size > 0 ? 1 : 0)
  await wire.answered(ids.length - isBegun.size, 30_000)
  const again = await runBeamline(['dlq', 'replay', '--state', 'open', '--json'], settings)
  expect(again).toMatchObject({ code: 0, stdout: [] })

  const forced = await runBeamline(['dlq', 'replay', '--state', 'begun', '--force', '--json'], settings)
  const sent = forced.stdout.map((line) => JSON.parse(line) as Wire)
  expect(sent.map(({ as }) => String(as)).toSorted()).toEqual([...isBegun].map((id) => `${String(id)}.r2`).toSorted())
  for (const { as } of sent) await wire.result(String(as))
  await worker.stop()
  await wire.flush()
  const plain = ids.filter((id) => !isBegun.has(id)).map((id) => `${id}.r1`)
  expect(notOnce(plain, wire.results)).toEqual([])
  expect(
    notOnce(
      sent.map(({ as }) => String(as)),
      wire.results,
    ),
  ).toEqual([])
  const twice = [...isBegun].filter((id) => (wire.results.get(`${String(id)}.r1`)?.length ?? 0) > 1)
  expect(twice).toEqual([])
}, 120_000)
