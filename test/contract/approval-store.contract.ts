/** What the store must keep of approvals: histories that two workers make at once end as the machine alone ends them. */
import { expect, test } from 'bun:test'
import fc from 'fast-check'
import type { Approval } from '../../src/approvals/approval.ts'
import { Ledger } from '../../src/approvals/ledger.ts'
import { cancel, escalate, expire, remind, vote } from '../../src/approvals/machine.ts'
import { withApproval } from '../../src/approvals/progress.ts'
import { type ApprovalRecord, approvalIdOf, encodeRecord, keyOf } from '../../src/approvals/record.ts'
import { openLogger } from '../../src/observe/logger.ts'
import { Metrics } from '../../src/observe/metrics.ts'
import type { StateStore } from '../../src/store/state-store.ts'
import { createdAt, type Happening, type History, histories, via } from '../support/approval-histories.ts'
import { FakeClock } from '../support/fake-clock.ts'

const metrics = new Metrics({ version: '0', bun: '0', commit: '0' }, new FakeClock())
metrics[Symbol.dispose]()
const log = openLogger({ level: 'error', format: 'json', workerId: 'w', component: 'test', to: () => undefined })
const never = new AbortController().signal
/** Histories that run at once, so that they share the waits for the disk and for the server. */
const atOnce = 100

/** Runs `count` random histories over stores that lead to the same records. */
export function approvalStoreContract(
  name: string,
  count: number,
  open: () => Promise<{ readonly stores: readonly [StateStore, StateStore] } & AsyncDisposable>,
): void {
  test(`${count} random histories of approvals by two workers over ${name} end as the machine ends them`, async () => {
    await using opened = await open()
    const samples = fc.sample(histories, count)
    for (let from = 0; from < count; from += atOnce) {
      const part = samples.slice(from, from + atOnce)
      const wrong = await Promise.all(part.map((history) => problemOf(history, opened.stores)))
      expect(wrong.filter((problem) => problem !== undefined)).toEqual([])
    }
  }, 300_000)
}

/** What two workers have made of a history that differs from what the machine makes of it. */
async function problemOf(history: History, stores: readonly [StateStore, StateStore]): Promise<string | undefined> {
  const clock = new FakeClock(createdAt)
  const encode = () => ({ body: new TextEncoder().encode(`{"at":${clock.now()}}`), headers: {} })
  // Only what a ledger uses of it.
  const reporting = { reporter: { encode } as never, closing: new AbortController() }
  const ledgers = stores.map((store) => new Ledger({ store, reporting, clock, log, metrics }))
  const id = approvalIdOf({ tenantId: crypto.randomUUID(), assignmentId: 'a' })
  let expected: Approval = { ...history.approval, id }
  await stores[0].create(keyOf(id), encodeRecord(recordOf(expected)), createdAt, never)
  let result: string | undefined
  for (const happening of history.happenings) {
    await clock.advance(happening.after)
    const now = clock.now()
    expected = happen(expected, happening, now)
    const change = (record: ApprovalRecord): ApprovalRecord => {
      const approval = happen(record.approval, happening, now)
      const telling = { callback: false, links: false, now, newId: () => 'n' }
      return approval === record.approval ? record : withApproval(record, approval, telling)
    }
    const [one, other] = await Promise.all(ledgers.map((ledger) => ledger.update(id, change)))
    for (const updated of [one, other]) {
      if (!Bun.deepEquals(updated?.record.approval, expected)) {
        return `${JSON.stringify(updated?.record.approval)} is not ${JSON.stringify(expected)}`
      }
      result ??= updated?.record.result?.body
      if (updated?.record.result?.body !== result) return 'the result changed after the end'
    }
    if (one?.changed === true && other?.changed === true) return 'both workers made the change'
  }
  return undefined
}

function happen(approval: Approval, happening: Happening, now: number): Approval {
  switch (happening.kind) {
    case 'vote':
      return vote(approval, { approver: happening.approver, decision: happening.decision, via }, now).approval
    case 'expire':
      return expire(approval, now)
    case 'cancel':
      return cancel(approval, now)
    case 'escalate':
      return escalate(approval, now)
    case 'remind':
      return remind(approval, now)
    default:
      return happening satisfies never
  }
}

function recordOf(approval: Approval): ApprovalRecord {
  const caller = { assignmentId: 'a', tenantId: 't', form: 'bare' as const }
  const job = {
    caller,
    type: 'human_approval',
    assignment: {},
    subject: 's',
    headers: {},
    startedAt: createdAt,
    attempts: 1,
  }
  return { version: 1, approval, job, notices: [] }
}
