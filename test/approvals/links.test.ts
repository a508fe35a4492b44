import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { Links } from '../../src/approvals/link.ts'
import { type HttpServer, openHttp } from '../../src/http/server.ts'
import { asking, hearApprovals, request } from '../support/approvals.ts'
import { startRig, type WorkerRig } from '../support/worker-rig.ts'

const secret = 'a-secret-that-signs-links-of-approvers'
const old = 'another-secret-that-signed-links-before'

let rig: WorkerRig
let http: HttpServer
let id = ''

beforeAll(async () => {
  rig = await startRig({ env: { APPROVAL_LINK_SECRET: `${secret},${old}` } })
  const { metrics, approvals } = rig
  const health = { version: '1', commit: 'c', workerId: () => 'w', activeJobs: () => 0, uptimeSeconds: () => 1 }
  const state = () => ({ ready: true, draining: false, load: 0, checks: {}, sandbox: false })
  const log = { debug() {}, info() {}, warn() {}, error() {}, child: () => log, debugging: false, flush() {} }
  http = await openHttp({
    ...{ host: '127.0.0.1', port: 0, maxBodyBytes: 100_000, metrics, log, routes: approvals.routes },
    access: { kind: 'token', token: undefined },
    health: { ...health, state },
  })
  const { requested } = hearApprovals(rig)
  rig.assign(asking({ approvers: ['ann', 'bob'], required: 2, prompt: 'Pay <b>1,000</b>?' }))
  id = String((await requested.first())['approval_id'])
})

afterAll(async () => {
  await http[Symbol.asyncDispose]()
  await rig[Symbol.asyncDispose]()
})

function tokenFor(approver: string, { secrets = [secret], approvalId = id, expiresAt = 4_000_000_000 } = {}): string {
  return new Links(secrets).sign({ approvalId, approver, expiresAt }) ?? ''
}

function open(token: string, init: RequestInit = {}): Promise<Response> {
  return fetch(`${http.url}/approve/${token}`, init)
}

function vote(token: string, fields: Record<string, string>, headers: Record<string, string> = {}): Promise<Response> {
  return open(token, { method: 'POST', body: new URLSearchParams(fields), headers })
}

async function votes(): Promise<unknown> {
  return (await request(rig, 'get', { approval_id: id }))?.['votes']
}

async function whole(response: Response): Promise<unknown> {
  const { date: _date, ...headers } = Object.fromEntries(response.headers)
  return { status: response.status, headers, body: await response.text() }
}

test('looking changes nothing, whoever looks', async () => {
  for (const method of ['GET', 'HEAD', 'GET']) expect((await open(tokenFor('ann'), { method })).status).toBe(200)
  const page = await (await open(tokenFor('ann'))).text()
  expect(page).toContain('Pay &lt;b&gt;1,000&lt;/b&gt;?')
  expect(page).not.toContain('<script')
  expect(await votes()).toEqual([])
})

test('whatever is wrong with a link, the answer is one and the same', async () => {
  const good = tokenFor('ann')
  const tampered = Buffer.from(JSON.stringify([1, id, 'bob', 4_000_000_000])).toString('base64url')
  const useless = [
    'nonsense',
    '%E0%A4%A',
    '%ff',
    `${good}x`,
    good.slice(0, -1),
    `${tampered}.${good.split('.')[1]}`,
    tokenFor('ann', { secrets: ['a-secret-of-somebody-else-altogether!!'] }),
    tokenFor('ann', { expiresAt: 1_600_000_000 }),
    tokenFor('ann', { approvalId: `ap_${'0'.repeat(40)}` }),
    `${'A'.repeat(5000)}.${'A'.repeat(43)}`,
  ]
  const answers = await Promise.all(useless.map(async (token) => whole(await open(token))))
  expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1)
  expect(answers[0]).toMatchObject({ status: 404 })
  const posts = await Promise.all(useless.map(async (token) => whole(await vote(token, { option: '0' }))))
  expect(posts).toEqual(answers)
  expect(await votes()).toEqual([])
})

test('over NATS too', async () => {
  const good = tokenFor('ann')
  const ask = (token: string, more = {}) =>
    request(rig, 'decide', { approval_id: id, decision: 'Approve', token, ...more })
  const answers = [
    await ask('nonsense'),
    await ask(`${good}x`),
    await ask(tokenFor('ann', { expiresAt: 1_600_000_000 })),
    await ask(tokenFor('ann', { approvalId: `ap_${'0'.repeat(40)}` })),
    await ask(good, { approver: 'bob' }),
  ]
  expect(answers).toEqual(
    Array(5).fill({ ok: false, error: { code: 'PERMISSION_DENIED', message: expect.any(String) } }),
  )
})

describe('a form', () => {
  test.each([
    ['of another site', { 'sec-fetch-site': 'cross-site' }],
    ['of another origin', { origin: 'https://evil.example' }],
  ])('%s does not vote', async (_, headers) => {
    expect((await vote(tokenFor('ann'), { option: '0' }, headers)).status).toBe(404)
    expect(await votes()).toEqual([])
  })

  test.each([
    ['of an option that is not there', { option: '7' }],
    ['of a number that is none', { option: '-1' }],
    ['without anything', {}],
    ['with too long a comment', { option: '0', comment: 'x'.repeat(2001) }],
  ])('%s does not vote', async (_, fields) => {
    expect((await vote(tokenFor('ann'), fields)).status).toBe(400)
    expect(await votes()).toEqual([])
  })

  test('votes with a comment; a second click changes nothing, another vote is refused, and the API takes no forms', async () => {
    const first = await vote(tokenFor('ann'), { option: '0', comment: ' Go\r\non ' }, { origin: 'null' })
    expect(first.status).toBe(200)
    expect(await first.text()).toContain('Your vote was recorded.')
    expect(await votes()).toMatchObject([{ approver: 'ann', decision: 'Approve', comment: 'Go\non', via: 'link' }])
    expect((await vote(tokenFor('ann'), { option: '0' }, { 'sec-fetch-site': 'same-origin' })).status).toBe(200)
    expect((await vote(tokenFor('ann'), { option: '1' })).status).toBe(409)
    expect(await votes()).toHaveLength(1)
    expect((await fetch(`${http.url}/v1/approvals`)).status).toBe(403)
  })

  test('of an old link, signed before the secret was replaced, still votes; then the page says how it ended', async () => {
    expect((await vote(tokenFor('bob', { secrets: [old] }), { option: '0' })).status).toBe(200)
    expect((await rig.result('a-1'))['output']).toMatchObject({ approved: true, approver: 'bob' })
    expect(await (await open(tokenFor('ann'))).text()).toContain('This request is decided')
    expect((await vote(tokenFor('bob'), { option: '1' })).status).toBe(409)
  })
})
