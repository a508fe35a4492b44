import { describe, expect, test } from 'bun:test'
import { join } from 'node:path'
import { approvalIdOf } from '../../src/approvals/record.ts'
import { startBeamline } from '../support/beamline-process.ts'
import { type CrashPoint, crashPoints, mortalProgram } from '../support/crash-points.ts'
import { eventually } from '../support/eventually.ts'
import { assignment } from '../support/fleet.ts'
import { startNats } from '../support/nats-server.ts'
import { storedResults } from '../support/result-stream.ts'
import { connectWire } from '../support/wire-client.ts'

const token = 'token-of-the-api'
const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }

describe.each(['nats', 'sqlite'])('approvals kept in %s', (store) => {
  test('are not lost when a worker dies at any point: one result, the right one', async () => {
    const ends = await Promise.all(crashPoints.map((point) => endOf(point, store)))
    expect(ends).toEqual(crashPoints.map((point) => `${point}: one result, Approve`))
  }, 120_000)
})

/** A worker dies at the point; the next one finishes what it left. */
async function endOf(point: CrashPoint, store: string): Promise<string> {
  await using server = await startNats()
  using mortal = mortalProgram()
  const settings = { NATS_URL: server.url, JETSTREAM: 'require', ACK_WAIT_MS: '1000', API_TOKEN: token }
  await using wire = await connectWire(server.url)
  const job = assignment('human_approval', { prompt: 'Shall we?' })
  const path = `/v1/approvals/${approvalIdOf({ tenantId: 'acme', assignmentId: job.assignment_id })}`
  await using first = await startBeamline(
    ['start'],
    { ...settings, STATE_STORE: store, CRASH_AT: point },
    { program: mortal.program },
  )
  const at = await first.ready()
  wire.send(job)
  const vote = (url: string): Promise<number> =>
    fetch(`${url}${path}/decision`, { method: 'POST', headers, body: '{"decision":"Approve","approver":"ann"}' }).then(
      ({ status }) => status,
      () => 0,
    )
  let ended = false
  void first.exited.then(() => {
    ended = true
  })
  await eventually(async () => ended || (await vote(at)) === 200 || ended, { timeoutMs: 20_000 })
  if ((await first.exited) !== 137) return `${point}: it ended by itself`
  const STATE_PATH = join(first.folder, 'state.sqlite')
  await using second = await startBeamline(['start'], { ...settings, STATE_STORE: store, STATE_PATH })
  const there = await second.ready()
  await eventually(async () => (await vote(there)) === 200, { timeoutMs: 20_000 })
  const result = await wire.result(job.assignment_id, 30_000)
  // The record says when nothing is left to be done, and nothing more may follow then.
  await eventually(async () => (await parked(there)) === 0, { timeoutMs: 30_000 })
  const stored = (await storedResults(server.url)).get(job.assignment_id) ?? []
  const bodies = new Set((wire.rawResults.get(job.assignment_id) ?? []).map((body) => JSON.stringify(body)))
  const decision = (result['output'] as { readonly decision?: string } | undefined)?.decision
  expect(wire.broken).toEqual([])
  return `${point}: ${stored.length === 1 && bodies.size === 1 ? 'one result' : `${stored.length} results`}, ${decision}`
}

async function parked(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  return Number(/^worker_parked_jobs (\d+)$/m.exec(text)?.[1])
}
