/** Approvals in files of their workers, on core NATS: requests find the one that holds the record. */
import { expect, test } from 'bun:test'
import { approvalIdOf } from '../../src/approvals/record.ts'
import { startBeamline } from '../support/beamline-process.ts'
import { eventually } from '../support/eventually.ts'
import { assignment, sumOfMetric } from '../support/fleet.ts'
import { connectNats, fourWaysSettings, linkToken, onPage, overNats, overRest } from '../support/four-ways.ts'
import { startNats } from '../support/nats-server.ts'
import { connectWire } from '../support/wire-client.ts'

test('a request that reaches another worker is passed on; 503, not 404, while the holder is away', async () => {
  await using server = await startNats({ jetstream: false })
  await using wire = await connectWire(server.url)
  const settings = { ...fourWaysSettings, NATS_URL: server.url, JETSTREAM: 'off' }
  await using holder = await startBeamline(['start'], settings)
  await holder.ready()
  const jobs = Array.from({ length: 4 }, () =>
    assignment('human_approval', { prompt: 'Shall we?', approvers: ['ann'] }),
  )
  const ids = jobs.map((job) => approvalIdOf({ tenantId: 'acme', assignmentId: job.assignment_id }))
  const [restId = '', pageId = '', natsId = '', lateId = ''] = ids
  for (const job of jobs) wire.send(job)
  await eventually(async () => (await sumOfMetric([holder], 'worker_parked_jobs')) === 4)
  await using other = await startBeamline(['start'], settings)
  const url = await other.ready()
  const nc = await connectNats(server.url)
  const vote = (approvalId: string) => ({ approvalId, approver: 'ann', decision: 'Approve' }) as const
  try {
    expect((await fetch(`${url}/approve/${linkToken(pageId, 'ann')}`)).status).toBe(200)
    expect(await onPage(url, vote(pageId))).toBe(true)
    expect(await overRest(url, vote(restId))).toBe(true)
    expect(await overNats(nc)(url, vote(natsId))).toBe(true)
  } finally {
    await nc.close()
  }
  const results = await Promise.all(jobs.slice(0, 3).map((job) => wire.result(job.assignment_id)))
  expect(
    results.map(
      (result) => (result['output'] as { readonly votes: readonly { readonly via: string }[] }).votes[0]?.via,
    ),
  ).toEqual(['api', 'link', 'nats'])
  await holder.stop('SIGKILL')
  const headers = { authorization: `Bearer ${fourWaysSettings.API_TOKEN}` }
  expect((await fetch(`${url}/v1/approvals/${lateId}`, { headers })).status).toBe(503)
  expect((await fetch(`${url}/approve/${linkToken(lateId, 'ann')}`)).status).toBe(503)
  expect(wire.broken).toEqual([])
}, 60_000)
