import { expect, test } from 'bun:test'
import { approvalIdOf, keyOf } from '../../src/approvals/record.ts'
import { Sweep } from '../../src/approvals/sweep.ts'
import { encodeText } from '../../src/protocol/json.ts'
import { MemoryStateStore } from '../../src/store/memory-state-store.ts'
import { asking, hearApprovals, request, votingEnv } from '../support/approvals.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { startRig } from '../support/worker-rig.ts'

const signal = new AbortController().signal
const log = { debug() {}, info() {}, warn() {}, error() {}, child: () => log, debugging: false, flush() {} }

function idOf(index: number): string {
  return approvalIdOf({ tenantId: 't', assignmentId: `old-${index}` })
}

async function storeOf(count: number, value: string): Promise<MemoryStateStore> {
  const store = new MemoryStateStore()
  for (let index = 0; index < count; index++) await store.create(keyOf(idOf(index)), encodeText(value), 0, signal)
  return store
}

test.each([
  ['of a newer version', '{"version":2}'],
  ['damaged', '\u0000'],
])('records that are %s are in nobody’s way, and one loud line says so', async (_, value) => {
  const clock = new FakeClock()
  await using rig = await startRig({ env: votingEnv, clock, store: await storeOf(100, value) })
  const { requested } = hearApprovals(rig)
  rig.assign(asking({ timeout_ms: 5000 }))
  await clock.advance(100)
  const { approval_id: approvalId } = await requested.first()
  expect(await request(rig, 'list', {})).toMatchObject({ items: [{ approval_id: approvalId }] })
  await clock.advance(60_000)
  expect(await rig.result('a-1')).toMatchObject({ error_code: 'APPROVAL_EXPIRED' })
  expect(rig.log.all.filter(({ message }) => String(message).includes('of a newer version'))).toHaveLength(1)
})

test('what cannot be looked after rests longer and longer, and the others have their turn', async () => {
  const clock = new FakeClock()
  const store = await storeOf(100, 'x')
  let tries = 0
  const attended = new Set<string>()
  const caretaker = {
    busy: 0,
    attend: async (id: string) => {
      attended.add(id)
      tries++
      return false
    },
  }
  const sweep = new Sweep({ store, caretaker, clock, log })
  sweep.start()
  await clock.advance(10_000)
  expect(attended.size).toBe(100)
  expect(tries).toBeLessThan(600)
  sweep.stop()
})
