import { expect, test } from 'bun:test'
import { FakeClock } from '../support/fake-clock.ts'
import { startRig } from '../support/worker-rig.ts'

test.each([
  [{}, 100],
  [{ ms: 0 }, 0],
  [{ ms: 3000 }, 3000],
])('sleep with %j takes %i ms and says so', async (payload, ms) => {
  const clock = new FakeClock()
  await using rig = await startRig({ clock })
  rig.assign({ job: { type: 'sleep', payload } })
  await clock.advance(Math.max(0, ms - 1))
  if (ms > 0) expect(rig.results.all).toEqual([])
  await clock.advance(1)
  expect(await rig.result('a-1')).toMatchObject({ output: { slept_ms: ms }, latency_ms: ms })
})

test.each([{ ms: -1 }, { ms: 1.5 }, { ms: '100' }, 'long'])('sleep does not take %j', async (payload) => {
  await using rig = await startRig()
  rig.assign({ job: { type: 'sleep', payload } })
  expect(await rig.result('a-1')).toMatchObject({ error_code: 'INVALID_INPUT' })
})
