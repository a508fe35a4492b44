/** What is said about approvals over HTTP, NATS and webhooks, and how it is read. */
import { z } from 'zod'
import { longestName } from '../lib/person.ts'
import { type Approval, approvalSchema, wireRecord } from './approval.ts'
import type { Refusal } from './machine.ts'
import { longestComment } from './page.ts'
import type { SealedVote } from './seal.ts'

const name = z.string().min(1).max(longestName)
const comment = z.string().max(longestComment).nullish()

/** How a record ends, or that it has not ended. */
const statuses = ['pending', 'decided', 'expired', 'cancelled'] as const

/** What a page of records is asked for with. */
export const listQuery = z.object({
  status: z.enum(statuses).optional().describe('Only those; without it, all.'),
  cursor: z.string().optional().describe('The `next` of the page before.'),
})

/** A vote, as a holder of the API's token casts it for somebody. */
export const decisionBody = z.object({
  decision: z.string().describe('One of the options.'),
  approver: name.optional().describe('Who decides; must be one of the approvers where these are named.'),
  comment,
})

/** The record, for the reference. */
export const recordShape = z.looseObject({
  approval_id: z.string(),
  assignment_id: z.string(),
  tenant_id: z.string(),
  prompt: z.string(),
  options: z.array(z.string()),
  status: z.enum(statuses),
})

/** What a page of records is answered with. */
export const listShape = z.object({ items: z.array(recordShape), next: z.string().optional() })

/** Asks for a record over NATS. A relayed request comes from another worker, which wants to know more. */
export const getRequest = z.object({ approval_id: z.string(), relayed: z.boolean().nullish() })
/** A vote over NATS. `token` is the API's, or the approver's own link token. */
export const decideRequest = z.object({
  approval_id: z.string(),
  decision: z.string(),
  approver: name.nullish(),
  comment,
  token: z.string(),
})
/** Whatever is asked about one approval. */
export const namingRequest = z.object({ approval_id: z.string() }).transform((request) => request.approval_id)
/** A vote that another worker has checked and passes on. */
export const relayedDecideRequest = z
  .object({
    relayed: z.literal(true),
    approval_id: z.string(),
    decision: z.string(),
    approver: name,
    comment,
    via: z.enum(['api', 'link']),
    at: z.int(),
    nonce: z.string().max(64),
    seals: z.array(z.string().max(64)).max(100),
  })
  .transform(({ approval_id: approvalId, ...sealed }): SealedVote => ({ ...sealed, approvalId }))

/** Asks another worker for an approval. */
export function relayedGet(id: string) {
  return { approval_id: id, relayed: true }
}

/** Asks another worker to count a vote. */
export function relayedVote({ approvalId, ...sealed }: SealedVote) {
  return { ...sealed, approval_id: approvalId, relayed: true }
}

/** What another worker answers. */
export const relayedAnswer = z.object({
  kept: approvalSchema,
  refusal: z.enum(['option', 'approver', 'self', 'voted', 'ended', 'full']).optional(),
})

/** The answer to `.get`: the record; for another worker all that is kept. */
export function getReply(approval: Approval, relayed: boolean) {
  return relayed ? { kept: approval } : wireRecord(approval)
}

/** The answer to `.decide`. */
export function decideReply(
  approval: ReturnType<typeof wireRecord>,
  error: readonly [code: string, message: string] | undefined,
) {
  return error === undefined ? { ok: true, approval } : { ...errorReply(...error), approval }
}

/** The answer to a vote that was passed on. */
export function relayedReply({ approval, refusal }: { readonly approval: Approval; readonly refusal?: Refusal }) {
  return { kept: approval, refusal }
}

/** The answer when nothing was done. */
export function errorReply(code: string, message: string) {
  return { ok: false, error: { code, message } }
}

/** What a webhook says. */
export function noticeBody(
  kind: string,
  approval: Approval,
  link?: { readonly approver: string; readonly url: string },
) {
  const type = `approval.${kind}`
  return link === undefined
    ? { type, approval: wireRecord(approval) }
    : { type, ...link, approval: wireRecord(approval) }
}
