/** Two workers on one bus, each with records of its own: what reaches the wrong one is passed on. */
import { describe, expect, test } from 'bun:test'
import { approvalIdOf } from '../../src/approvals/record.ts'
import { Seals } from '../../src/approvals/seal.ts'
import type { Bus } from '../../src/bus/bus.ts'
import { type HttpServer, openHttp } from '../../src/http/server.ts'
import { asking, decide, hearApprovals, request } from '../support/approvals.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { StoredDelivery } from '../support/stored-delivery.ts'
import { assignment, bytesOf, openHub, startRig, type WorkerRig } from '../support/worker-rig.ts'

const apiToken = 'token-of-the-api'
const linkSecret = 'a-secret-that-signs-links-of-approvers'
const env = { API_TOKEN: apiToken, APPROVAL_LINK_SECRET: linkSecret }
const id = approvalIdOf({ tenantId: 'acme', assignmentId: 'a-1' })
const subject = 'caf.approval.v1.decide'

/** The same bus, said to be NATS without a stream. */
function likeNats(bus: Bus): Bus {
  return new Proxy(bus, {
    get: (target, name) => {
      if (name === 'mode') return 'core'
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

function openApi({ metrics, approvals }: WorkerRig): Promise<HttpServer> {
  const health = { version: '1', commit: 'c', workerId: () => 'w', activeJobs: () => 0, uptimeSeconds: () => 1 }
  const state = () => ({ ready: true, draining: false, load: 0, checks: {}, sandbox: false })
  const log = { debug() {}, info() {}, warn() {}, error() {}, child: () => log, debugging: false, flush() {} }
  return openHttp({
    ...{ host: '127.0.0.1', port: 0, maxBodyBytes: 100_000, metrics, log, routes: approvals.routes },
    access: { kind: 'token', token: apiToken },
    health: { ...health, state },
  })
}

/** A worker that holds a question, another one beside it, and every request to vote that is heard on the bus. */
async function twoWorkers(otherEnv: Readonly<Record<string, string>> = env) {
  const hub = openHub()
  const stack = new AsyncDisposableStack()
  const holder = stack.use(await startRig({ hub, wrap: likeNats, env }))
  const other = stack.use(await startRig({ hub, wrap: likeNats, env: otherEnv }))
  const api = stack.use(await openApi(other))
  const heard: string[] = []
  hub.open().subscribe(subject, ({ body }) => heard.push(new TextDecoder().decode(body)))
  const { requested } = hearApprovals(holder)
  holder.deliver(new StoredDelivery({ body: bytesOf(assignment(asking())), sequence: '1' }))
  await requested.first()
  const post = (body: object) =>
    fetch(`${api.url}/v1/approvals/${id}/decision`, {
      method: 'POST',
      headers: { authorization: `Bearer ${apiToken}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  return { holder, other, heard, post, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

test('a vote is passed on without the token, and counts', async () => {
  await using workers = await twoWorkers()
  const response = await workers.post({ decision: 'Approve', approver: 'ann', comment: 'Go on' })
  expect(response.status).toBe(200)
  expect(await response.json()).toMatchObject({ status: 'decided', votes: [{ approver: 'ann', via: 'api' }] })
  expect(workers.heard).toHaveLength(1)
  expect(workers.heard[0]).not.toContain(apiToken)
  expect(await workers.holder.result('a-1')).toMatchObject({ status: 'success' })
})

test('a vote that is passed on cannot be altered, and nobody can seal one without the secret', async () => {
  await using workers = await twoWorkers()
  expect((await workers.post({ decision: 'Perhaps', approver: 'ann' })).status).toBe(400)
  // What was heard is one object.
  const heard = JSON.parse(workers.heard[0] ?? '') as Record<string, unknown>
  const unknownSeal = new Seals({ apiToken: 'guess', linkSecrets: [], clock: new FakeClock(Date.now()) })
  const forged = unknownSeal.seal(id, { approver: 'ann', decision: 'Approve', via: 'api' })
  for (const vote of [{ ...heard, decision: 'Approve' }, { ...heard }, { ...forged, approval_id: id, relayed: true }]) {
    expect(await request(workers.holder, 'decide', vote)).toMatchObject({ error: { code: 'PERMISSION_DENIED' } })
  }
  expect(await request(workers.holder, 'get', { approval_id: id })).toMatchObject({ status: 'pending', votes: [] })
})

test('a worker that does not hold the approval says nothing, whatever is wrong with the request', async () => {
  await using workers = await twoWorkers({ ...env, API_TOKEN: 'another-token' })
  expect(await decide(workers.holder, id, 'Approve')).toMatchObject({ ok: true })
  await workers.holder.result('a-1')
  await workers.holder.drain()
  const votes = [{}, { token: 'wrong' }, { approver: 7 }].map((more) => decide(workers.other, id, 'Approve', more))
  const replies = [...votes, request(workers.other, 'get', { approval_id: id, relayed: 'x' })]
  expect(await Promise.all(replies)).toEqual([undefined, undefined, undefined, undefined])
})

describe('a seal', () => {
  const ballot = { approver: 'ann', decision: 'Approve', comment: undefined, via: 'link' } as const
  const open = (linkSecrets: readonly string[], clock = new FakeClock()) =>
    new Seals({ apiToken: undefined, linkSecrets, clock })

  test('is good once, and for half a minute', async () => {
    const clock = new FakeClock()
    const seals = open([linkSecret], clock)
    const [first, late] = [seals.seal(id, ballot), seals.seal(id, ballot)]
    if (first === undefined || late === undefined) throw new Error('Not sealed')
    expect(seals.take(first)).toEqual(ballot)
    expect(seals.take(first)).toBeUndefined()
    await clock.advance(30_001)
    expect(seals.take(late)).toBeUndefined()
  })

  test('is good where secrets are being replaced, and for nothing but its own vote', () => {
    const sealed = open(['new', linkSecret]).seal(id, { ...ballot, comment: 'Go on' })
    if (sealed === undefined) throw new Error('Not sealed')
    for (const change of [{ via: 'api' }, { approver: 'bob' }, { comment: null }, { nonce: 'x' }, { at: 1 }] as const) {
      expect(open([linkSecret]).take({ ...sealed, ...change })).toBeUndefined()
    }
    expect(open(['other']).take(sealed)).toBeUndefined()
    expect(open([linkSecret]).take(sealed)).toEqual({ ...ballot, comment: 'Go on' })
  })

  test('is not made without a secret', () => {
    expect(open([linkSecret]).seal(id, { ...ballot, via: 'api' })).toBeUndefined()
  })
})
