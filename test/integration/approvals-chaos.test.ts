import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { approvalIdOf } from '../../src/approvals/record.ts'
import { type BeamlineProcess, startBeamline } from '../support/beamline-process.ts'
import { eventually } from '../support/eventually.ts'
import { assignment, sendAll } from '../support/fleet.ts'
import {
  type Ballot,
  byCommand,
  connectNats,
  fourWaysSettings,
  onPage,
  overNats,
  overRest,
  type Way,
} from '../support/four-ways.ts'
import { startNats } from '../support/nats-server.ts'
import { storedResults } from '../support/result-stream.ts'
import { connectWire } from '../support/wire-client.ts'

const count = 300
/** How many decisions are under way or made when a worker is killed: the first before all questions are kept. */
const killsAfter = [1, 60, 120, 180, 240, 290]
/** Starting the command takes a second of this machine each time, so it decides some of them. */
const byCommandEvery = 30

test.each([
  ['nats', 2],
  ['sqlite', 1],
] as const)(
  '300 approvals kept in %s, decided in all four ways at once while workers are killed: one result each, the right one',
  async (store, workers) => {
    await using server = await startNats()
    await using folder = new AsyncDisposableStack()
    const nc = await connectNats(server.url)
    folder.defer(() => nc.close())
    await using wire = await connectWire(server.url)
    const settings = {
      ...fourWaysSettings,
      NATS_URL: server.url,
      JETSTREAM: 'require',
      ACK_WAIT_MS: '2000',
      STATE_STORE: store,
    }
    const first = folder.use(await startBeamline(['start'], settings))
    const place = store === 'sqlite' ? { STATE_PATH: join(first.folder, 'state.sqlite') } : {}
    const start = async (): Promise<BeamlineProcess> =>
      folder.use(await startBeamline(['start'], { ...settings, ...place }))
    const fleet: BeamlineProcess[] = [first]
    while (fleet.length < workers) fleet.push(await start())
    await Promise.all(fleet.map((worker) => worker.ready()))
    const jobs = Array.from({ length: count }, () =>
      assignment('human_approval', { prompt: 'Shall we?', approvers: ['ann', 'bob'] }),
    )
    await sendAll(wire, jobs)

    let decided = 0
    // In the middle of it, wherever that may be: while records are made, voted on and published.
    const killing = (async () => {
      for (const [turn, after] of killsAfter.entries()) {
        await eventually(() => decided >= after, { timeoutMs: 100_000, everyMs: 1 })
        const victim = turn % fleet.length
        await fleet[victim]?.stop('SIGKILL')
        const next = await start()
        fleet[victim] = next
        await next.ready()
      }
    })()
    const ways: readonly Way[] = [overRest, overNats(nc), onPage]
    const decide = async (ballot: Ballot, index: number): Promise<void> => {
      const way = index % byCommandEvery === 0 ? byCommand : (ways[index % ways.length] ?? overRest)
      await eventually(
        async () => {
          const worker = fleet[index % fleet.length] ?? first
          return way(await worker.url(), ballot).catch(() => false)
        },
        { timeoutMs: 100_000, everyMs: 100 },
      )
    }
    const decisions = jobs.map((_, index) => (index % 3 === 0 ? 'Reject' : 'Approve'))
    const lanes = 12
    await Promise.all(
      Array.from({ length: lanes }, async (_, lane) => {
        for (let index = lane; index < count; index += lanes) {
          const approvalId = approvalIdOf({ tenantId: 'acme', assignmentId: jobs[index]?.assignment_id ?? '' })
          decided += 1
          await decide(
            { approvalId, approver: index % 2 === 0 ? 'ann' : 'bob', decision: decisions[index] ?? 'Approve' },
            index,
          )
        }
      }),
    )
    await wire.answered(count, 60_000)
    await killing
    const stored = await storedResults(server.url)
    const ends = jobs.map(({ assignment_id: id }) => {
      const [one, ...more] = stored.get(id) ?? []
      const bodies = new Set((wire.rawResults.get(id) ?? []).map((body) => JSON.stringify(body)))
      const output = one?.['output'] as { readonly decision?: string } | undefined
      return more.length === 0 && bodies.size === 1
        ? output?.decision
        : `${more.length + 1} stored, ${bodies.size} bodies`
    })
    expect(ends).toEqual(decisions)
    expect(wire.broken).toEqual([])
  },
  180_000,
)
