import { expect, test } from 'bun:test'
import { openHttp } from '../../src/http/server.ts'
import { asking, decide, hearApprovals, votingEnv } from '../support/approvals.ts'
import { startRig } from '../support/worker-rig.ts'

const log = { debug() {}, info() {}, warn() {}, error() {}, child: () => log, debugging: false, flush() {} }

test('where whoever asks may not approve, a vote of nobody does not count', async () => {
  await using rig = await startRig({ env: votingEnv })
  const { metrics, approvals } = rig
  const health = { version: '1', commit: 'c', workerId: () => 'w', activeJobs: () => 0, uptimeSeconds: () => 1 }
  const state = () => ({ ready: true, draining: false, load: 0, checks: {}, sandbox: false })
  await using http = await openHttp({
    ...{ host: '127.0.0.1', port: 0, maxBodyBytes: 100_000, metrics, log, routes: approvals.routes },
    access: { kind: 'token', token: votingEnv.API_TOKEN },
    health: { ...health, state },
  })
  const { requested } = hearApprovals(rig)
  const vote = async (fields: object): Promise<number> => {
    const { approval_id: id } = requested.all.at(-1) ?? {}
    const { status } = await fetch(`${http.url}/v1/approvals/${String(id)}/decision`, {
      method: 'POST',
      headers: { authorization: `Bearer ${votingEnv.API_TOKEN}`, 'content-type': 'application/json' },
      body: JSON.stringify({ decision: 'Approve', ...fields }),
    })
    return status
  }
  rig.assign(asking({ no_self_approval: true }))
  const { approval_id: id } = await requested.first()
  expect(await vote({})).toBe(400)
  expect(await vote({ approver: 'api' })).toBe(403)
  expect(await vote({ approver: 'rita\u200b' })).toBe(403)
  expect(await vote({ approver: '\uff32ita' })).toBe(403)
  expect(await decide(rig, id, 'Approve', { approver: null })).toMatchObject({ error: { code: 'PERMISSION_DENIED' } })
  expect(await vote({ approver: 'bob' })).toBe(200)
  rig.assign(asking({}, 'a-2'))
  await requested.some(2)
  expect(await vote({})).toBe(200)
  expect((await rig.result('a-2'))['output']).toMatchObject({ approver: 'api' })
})
