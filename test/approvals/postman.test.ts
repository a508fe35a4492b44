import { expect, test } from 'bun:test'
import { approvalIdOf } from '../../src/approvals/record.ts'
import { MemoryStateStore } from '../../src/store/memory-state-store.ts'
import { StoreError } from '../../src/store/state-store.ts'
import { asking, decide, hearApprovals, votingEnv } from '../support/approvals.ts'
import { eventually } from '../support/eventually.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { startRig } from '../support/worker-rig.ts'

const env = { ...votingEnv, EGRESS_ALLOW_CIDRS: '127.0.0.0/8', APPROVAL_LINK_SECRET: 'x'.repeat(40) }
const id = approvalIdOf({ tenantId: 'acme', assignmentId: 'a-1' })

/** A web server that does not answer until it is told to. */
function openSloth() {
  const { promise, resolve } = Promise.withResolvers<void>()
  const heard: string[] = []
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    async fetch(request) {
      heard.push(new URL(request.url).pathname)
      if (!request.url.endsWith('/quick')) await promise
      return new Response()
    },
  })
  return {
    heard,
    wake: resolve,
    url: `http://127.0.0.1:${server.port}`,
    [Symbol.asyncDispose]: () => server.stop(true),
  }
}

test('who does not answer a webhook keeps neither the result nor anybody else waiting', async () => {
  await using sloth = openSloth()
  await using rig = await startRig({ env })
  const { requested } = hearApprovals(rig)
  for (let index = 0; index < 70; index++) rig.assign(asking({ callback_url: `${sloth.url}/slow` }, `b-${index}`))
  rig.assign(asking({ callback_url: `${sloth.url}/slow` }))
  await requested.some(71)
  await eventually(() => sloth.heard.length > 0)
  rig.assign({ ...asking({ timeout_ms: 50 }, 'c-1'), tenant_id: 'other' })
  rig.assign({ ...asking({ callback_url: `${sloth.url}/quick` }, 'c-2'), tenant_id: 'other' })
  await decide(rig, id, 'Approve')
  expect(await rig.result('a-1')).toMatchObject({ status: 'success' })
  expect(await rig.result('c-1')).toMatchObject({ error_code: 'APPROVAL_EXPIRED' })
  await eventually(() => sloth.heard.includes('/quick'))
  // One tenant has no more places than these.
  expect(sloth.heard.filter((path) => path === '/slow')).toHaveLength(8)
  sloth.wake()
  await eventually(() => sloth.heard.length === 73)
})

test('what was not counted out because of a crash is counted out later', async () => {
  const clock = new FakeClock()
  const store = new MemoryStateStore()
  const remove = store.remove.bind(store)
  let isDown = true
  store.remove = async (...given) => {
    if (isDown) throw new StoreError('unreachable', 'planted')
    return remove(...given)
  }
  await using rig = await startRig({ env, clock, store })
  const { requested } = hearApprovals(rig)
  rig.assign(asking())
  await clock.advance(100)
  await requested.first()
  await decide(rig, id, 'Approve')
  await clock.advance(100)
  await rig.result('a-1')
  await rig.log.first(({ message }) => message === 'An approval is looked after later')
  isDown = false
  expect(await rig.metric('worker_parked_jobs')).toBe(1)
  await clock.advance(15_000)
  await eventually(async () => (await rig.metric('worker_parked_jobs')) === 0)
  expect(rig.results.all).toHaveLength(1)
})
