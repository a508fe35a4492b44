/** One question to people: what is asked, under which rules, and what has been said so far. All of it is JSON. */
import { z } from 'zod'

/** How a vote came in: over the HTTP API or the command line, over NATS, or by the approver's own link. */
const channels = ['api', 'nats', 'link'] as const
export type Channel = (typeof channels)[number]

const moment = z.number().int()

const vote = z.object({
  approver: z.string(),
  decision: z.string(),
  comment: z.string().optional(),
  at: moment,
  via: z.enum(channels),
})

/** What one person said; `at` in milliseconds since 1970. */
export type Vote = z.infer<typeof vote>

/** What is asked and how it is decided; never changes. */
const question = z.object({
  prompt: z.string(),
  options: z.array(z.string()),
  /** The options that mean yes. */
  approveOptions: z.array(z.string()),
  /** How many have to choose the same option. */
  required: z.number().int(),
  /** Who asked: not to be among the voters when `noSelfApproval` says so. */
  requester: z.string().optional(),
  noSelfApproval: z.boolean(),
  /** What becomes of it when nobody has decided in time: it expires, or this option is taken. */
  onTimeout: z.union([z.literal('expire'), z.object({ option: z.string() })]),
  remindAt: moment.optional(),
  escalation: z.object({ at: moment, approvers: z.array(z.string()) }).optional(),
})

export type Question = z.infer<typeof question>

/** The schema of an approval where it is stored. Moments are milliseconds since 1970. */
export const approvalSchema = z.object({
  id: z.string(),
  assignmentId: z.string(),
  tenantId: z.string(),
  question,
  /** Who may vote; empty: whoever is let in. */
  approvers: z.array(z.string()),
  createdAt: moment,
  expiresAt: moment,
  votes: z.array(vote),
  end: z
    .discriminatedUnion('kind', [
      /** `approver` is who cast the vote that decided; absent when time did. */
      z.object({
        kind: z.literal('decided'),
        at: moment,
        decision: z.string(),
        approver: z.string().optional(),
        comment: z.string().optional(),
      }),
      z.object({ kind: z.literal('expired'), at: moment }),
      z.object({ kind: z.literal('cancelled'), at: moment }),
    ])
    .optional(),
  remindedAt: moment.optional(),
  escalatedAt: moment.optional(),
})

export type Approval = z.infer<typeof approvalSchema>

/** How it ended. */
export type End = NonNullable<Approval['end']>

/** Whether a decision means yes. */
export function isApproving({ approveOptions }: Pick<Question, 'approveOptions'>, decision: string): boolean {
  return approveOptions.includes(decision)
}

/** The record as the wire has it. */
export function wireRecord({ question: asked, end, ...approval }: Approval) {
  return {
    approval_id: approval.id,
    assignment_id: approval.assignmentId,
    tenant_id: approval.tenantId,
    prompt: asked.prompt,
    options: asked.options,
    approve_options: asked.approveOptions,
    status: end?.kind ?? ('pending' as const),
    approvers: approval.approvers,
    required: asked.required,
    votes: approval.votes.map(wireVote),
    created_at: rfc3339(approval.createdAt),
    expires_at: rfc3339(approval.expiresAt),
    ...(end !== undefined && { ended_at: rfc3339(end.at) }),
    ...(end?.kind === 'decided' && {
      decision: end.decision,
      approved: isApproving(asked, end.decision),
      ...(end.approver !== undefined && { approver: end.approver }),
      ...(end.comment !== undefined && { comment: end.comment }),
    }),
  }
}

/** The job's output once it is decided. `approver` is null when time decided. */
export function outputOf(approval: Approval, end: End & { kind: 'decided' }) {
  const { question: asked } = approval
  return {
    prompt: asked.prompt,
    options: asked.options,
    status: 'completed' as const,
    decision: end.decision,
    approved: isApproving(asked, end.decision),
    approver: end.approver ?? null,
    comment: end.comment ?? null,
    approved_at: rfc3339(end.at),
    approval_id: approval.id,
    votes: approval.votes.map(wireVote),
  }
}

function wireVote(cast: Vote) {
  return { ...cast, at: rfc3339(cast.at) }
}

function rfc3339(ms: number): string {
  return new Date(ms).toISOString()
}
