/** The four ways to decide: over HTTP, over NATS, from the command line and on the page behind a link. */
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { Links } from '../../src/approvals/link.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { runBeamline } from './beamline-process.ts'

/** What lets in. */
const apiToken = 'token-of-the-api'
const linkSecret = 'a-secret-that-signs-links-of-approvers'

/** Settings of a worker that hears all four. */
export const fourWaysSettings = { API_TOKEN: apiToken, APPROVAL_LINK_SECRET: linkSecret }

const links = new Links([linkSecret])

/** One vote; each resolves true when it was counted, or was there already. */
export interface Ballot {
  readonly approvalId: string
  readonly approver: string
  readonly decision: 'Approve' | 'Reject'
}

/** A way to cast it, at the worker with this URL; false when that cannot be reached. */
export type Way = (url: string, ballot: Ballot) => Promise<boolean>

/** A link's token. */
export function linkToken(approvalId: string, approver: string): string {
  const expiresAt = Math.floor(systemClock.now() / 1000) + 3600
  return links.sign({ approvalId, approver, expiresAt }) ?? ''
}

export const overRest: Way = async (url, { approvalId, approver, decision }) => {
  const headers = { authorization: `Bearer ${apiToken}`, 'content-type': 'application/json' }
  const body = JSON.stringify({ decision, approver })
  const answer = await fetch(`${url}/v1/approvals/${approvalId}/decision`, { method: 'POST', headers, body })
  return answer.status === 200
}

export const onPage: Way = async (url, { approvalId, approver, decision }) => {
  const at = `${url}/approve/${linkToken(approvalId, approver)}`
  const body = new URLSearchParams({ option: decision === 'Approve' ? '0' : '1', comment: '' })
  return (await fetch(at, { method: 'POST', body })).status === 200
}

export const byCommand: Way = async (url, { approvalId, approver, decision }) => {
  const word = decision === 'Approve' ? 'approve' : 'reject'
  const { code } = await runBeamline([
    'approvals',
    word,
    approvalId,
    '--as',
    approver,
    '--url',
    url,
    '--token',
    apiToken,
  ])
  return code === 0
}

/** Asks over this connection, whichever worker answers. */
export function overNats(nc: NatsConnection): Way {
  return async (_url, { approvalId, approver, decision }) => {
    const request = { approval_id: approvalId, decision, approver, token: apiToken }
    const reply = await nc.request('caf.approval.v1.decide', JSON.stringify(request), { timeout: 2000 })
    return reply.json<{ readonly ok: boolean }>().ok
  }
}

/** A connection of the test's own. */
export function connectNats(url: string): Promise<NatsConnection> {
  return connect({ servers: url, maxReconnectAttempts: -1, reconnectTimeWait: 50 })
}
