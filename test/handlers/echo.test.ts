import { expect, test } from 'bun:test'
import { startRig } from '../support/worker-rig.ts'

test.each([{ hello: ['world', null, { deep: 1.5 }] }, [1, null], 'text', 0, false, ''])(
  'echo gives back %j, unchanged',
  async (payload) => {
    await using rig = await startRig()
    rig.assign({ job: { type: 'echo', payload } })
    const result = await rig.result('a-1')
    expect(result['status']).toBe('success')
    expect(result['output']).toEqual(payload as never)
  },
)

test('echo without a payload gives back what else the job says', async () => {
  await using rig = await startRig()
  rig.assign({ job: { type: 'echo', payload: null, greeting: 'hello' } })
  expect((await rig.result('a-1'))['output']).toEqual({ greeting: 'hello' })
})
