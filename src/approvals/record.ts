/** What is stored of an approval: the question and its votes, the job that waits for it, and what is still to be done. */
import { z } from 'zod'
import type { ParkedJob, ParkedKey } from '../exchange/parking.ts'
import type { Caller } from '../protocol/assignment.ts'
import { encodeText, objectText, parseJson } from '../protocol/json.ts'
import { approvalSchema } from './approval.ts'

/** Where in the state store approvals are: under this and their id. */
export const keyPrefix = 'approval.'

const text = z.string().optional()
const moment = z.number().int()

const callerSchema = z.object({
  assignmentId: z.string(),
  tenantId: z.string(),
  requestId: text,
  jobType: text,
  providerId: text,
  traceId: text,
  runId: text,
  flowId: text,
  stepId: text,
  traceparent: text,
  form: z.enum(['bare', 'envelope']),
})

const noticeSchema = z.object({
  kind: z.enum(['requested', 'reminded', 'escalated', 'decided']),
  /** Over the bus, to whoever asked, or a link to the approver. */
  via: z.enum(['bus', 'callback', 'link']),
  approver: text,
  /** When it is to be sent, or sent again. */
  at: moment,
  tries: z.number().int(),
  /** Tells one notice from all others, for receivers that hear it twice. */
  id: z.string(),
})

/** Something that somebody is still to be told. */
export type Notice = z.infer<typeof noticeSchema>

const recordSchema = z.object({
  version: z.literal(1),
  approval: approvalSchema,
  job: z.object({
    caller: callerSchema,
    type: z.string(),
    assignment: z.record(z.string(), z.unknown()),
    subject: z.string(),
    headers: z.record(z.string(), z.string()),
    /** When it was first started. */
    startedAt: moment,
    attempts: z.number().int(),
  }),
  callbackUrl: text,
  notices: z.array(noticeSchema),
  /** When the first notice of it had been sent. */
  notifiedAt: moment.optional(),
  /** The result that was decided once and for all, and the headers it is published with. */
  result: z.object({ body: z.string(), headers: z.record(z.string(), z.string()) }).optional(),
  /** How often publishing it has failed, and when it is tried again; after that, when it is counted out if it is not yet. */
  publishing: z.object({ tries: z.number().int(), at: moment }).optional(),
  publishedAt: moment.optional(),
})

/** Moments are in milliseconds since 1970. */
export type ApprovalRecord = z.infer<typeof recordSchema>

/** The record as it is stored. */
export function encodeRecord(record: ApprovalRecord): Uint8Array {
  return encodeText(objectText(record))
}

/** Throws when it is no record of this version. */
export function decodeRecord(value: Uint8Array): ApprovalRecord {
  return recordSchema.parse(parseJson(value))
}

/** What the record keeps of a job. */
export function jobOf({ caller, type, assignment, origin, elapsedMs, attempts }: ParkedJob, now: number) {
  const startedAt = Math.round(now - elapsedMs)
  return { caller: plainCaller(caller), type, assignment, ...plainOrigin(origin), startedAt, attempts }
}

/** The id of the approval of a job: the same one for every delivery of it. */
export function approvalIdOf({ tenantId, assignmentId }: ParkedKey): string {
  const hash = new Bun.CryptoHasher('sha256').update(`${Buffer.byteLength(tenantId)}:${tenantId}${assignmentId}`)
  return `ap_${hash.digest('hex').slice(0, 40)}`
}

/** Whether a text can be the id of an approval. */
export function isApprovalId(id: string): boolean {
  return /^ap_[0-9a-f]{40}$/.test(id)
}

/** The key under which an approval is stored. */
export function keyOf(approvalId: string): string {
  return `${keyPrefix}${approvalId}`
}

/** Without whatever else the caller's object holds, such as its whole assignment. */
function plainCaller(caller: Caller): z.infer<typeof callerSchema> {
  return callerSchema.parse(caller)
}

function plainOrigin({ subject, headers }: ParkedJob['origin']): ParkedJob['origin'] {
  return { subject, headers: { ...headers } }
}
