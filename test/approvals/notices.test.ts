import { expect, test } from 'bun:test'
import { createHmac } from 'node:crypto'
import { asking, decide, hearApprovals, votingEnv } from '../support/approvals.ts'
import { eventually } from '../support/eventually.ts'
import { startRig } from '../support/worker-rig.ts'

const secret = 'a-secret-that-signs-links-of-approvers'

interface Heard {
  readonly path: string
  readonly headers: Headers
  readonly text: string
}

/** A web server that answers with these statuses in turn, the last one for ever. */
function openEar(...statuses: readonly number[]) {
  const heard: Heard[] = []
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    async fetch(request) {
      heard.push({ path: new URL(request.url).pathname, headers: request.headers, text: await request.text() })
      return new Response(null, { status: statuses[heard.length - 1] ?? statuses.at(-1) ?? 200 })
    },
  })
  return { heard, url: `http://127.0.0.1:${server.port}`, [Symbol.asyncDispose]: () => server.stop(true) }
}

/** As a receiver checks a message by the Standard Webhooks specification. */
function isSigned({ headers, text }: Heard, keyOf: string): boolean {
  const key = createHmac('sha256', secret).update(`beamline approval ${keyOf}`).digest()
  const signed = `${headers.get('webhook-id')}.${headers.get('webhook-timestamp')}.${text}`
  return headers.get('webhook-signature') === `v1,${createHmac('sha256', key).update(signed).digest('base64')}`
}

const linkEnv = (url: string) => ({
  ...votingEnv,
  APPROVAL_LINK_SECRET: secret,
  APPROVAL_NOTIFY_URL: `${url}/notify`,
  PUBLIC_URL: 'https://approve.example/',
})

test('links go to the operator alone, one message for each approver, signed, and again when one did not arrive', async () => {
  await using ear = openEar(500, 204)
  await using rig = await startRig({ env: linkEnv(ear.url) })
  const { requested } = hearApprovals(rig)
  rig.assign(asking({ approvers: ['ann', 'bob'] }))
  const record = await requested.first()
  await eventually(() => ear.heard.length === 3)
  const messages = ear.heard.map(({ text }) => JSON.parse(text) as Record<string, unknown>)
  expect(new Set(messages.map(({ approver }) => approver))).toEqual(new Set(['ann', 'bob']))
  expect(new Set(ear.heard.map(({ headers }) => headers.get('webhook-id'))).size).toBe(2)
  for (const each of ear.heard) expect(isSigned(each, 'notify')).toBe(true)
  for (const { type, url } of messages) {
    expect(type).toBe('approval.requested')
    expect(url).toStartWith('https://approve.example/approve/')
  }
  expect(JSON.stringify([record, ...rig.log.all])).not.toContain('/approve/')
})

test('whoever asked is told without a link, signed with a key of the tenant, and under the egress policy', async () => {
  await using ear = openEar(200)
  await using rig = await startRig({ env: { ...linkEnv(ear.url), EGRESS_ALLOW_CIDRS: '127.0.0.0/8' } })
  const { requested } = hearApprovals(rig)
  rig.assign(asking({ callback_url: `${ear.url}/callback` }))
  const { approval_id: id } = await requested.first()
  await eventually(() => ear.heard.length === 1)
  await decide(rig, id, 'Approve')
  await eventually(() => ear.heard.length === 2)
  expect(ear.heard.map(({ text }) => (JSON.parse(text) as { readonly type: string }).type)).toEqual([
    'approval.requested',
    'approval.decided',
  ])
  for (const each of ear.heard) {
    expect(isSigned(each, 'callback\nacme')).toBe(true)
    expect(each.text).not.toContain('/approve/')
  }
})

test('an address that jobs may not reach is not called, and the approval goes on', async () => {
  await using ear = openEar(200)
  await using rig = await startRig({ env: votingEnv })
  const { requested } = hearApprovals(rig)
  rig.assign(asking({ callback_url: ear.url }))
  const { approval_id: id } = await requested.first()
  await rig.log.first(({ message }) => message === 'A notice of an approval did not arrive')
  await decide(rig, id, 'Approve')
  expect(await rig.result('a-1')).toMatchObject({ status: 'success' })
  expect(ear.heard).toEqual([])
})
