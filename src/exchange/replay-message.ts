/** What is sent when a dead letter is replayed. Pure. */
import { createHash } from 'node:crypto'
import type { Message, MessageHeaders } from '../bus/bus.ts'
import type { Caller } from '../protocol/assignment.ts'
import { FieldReader, readCaller } from '../protocol/assignment-fields.ts'
import { type DeadLetter, replayOfHeader } from '../protocol/dead-letter.ts'
import { type EnvelopeMode, wrap } from '../protocol/envelope.ts'
import { answerHeaders } from '../protocol/headers.ts'
import { isAssignmentId, isTenantId, jobKey } from '../protocol/ids.ts'
import { encodeText, type JsonObject, objectText } from '../protocol/json.ts'
import type { Subjects } from '../protocol/subjects.ts'

/**
 * Why a dead letter cannot be replayed:
 * - `raw`: it was no assignment
 * - `masked`: there was a secret in it, which is gone
 * - `omitted`: it was too large to be kept whole
 * - `nobody`: it has no id, or no tenant, that a result could go to
 */
type Unreplayable = 'raw' | 'masked' | 'omitted' | 'nobody'

/** What a replay sends: the job under a new id, or the result that could not be published. */
export type Replayable =
  | { readonly kind: 'job'; readonly assignment: JsonObject; readonly caller: Named }
  | { readonly kind: 'result'; readonly result: JsonObject; readonly caller: Named }

type Named = Pick<Caller, 'assignmentId' | 'tenantId'>

/** How the replays of a job are counted. */
interface Lineage {
  /** The id that `.r<n>` is put behind. */
  readonly base: string
  /** The same for all entries of a job, whatever replay they come from. */
  readonly job: string
  /** The number of the next replay is at least this. */
  readonly atLeast: number
}

/** Where and how it is sent. */
export interface Wiring {
  readonly subjects: Pick<Subjects, 'assign' | 'result'>
  readonly envelope: EnvelopeMode
}

const sentences: Readonly<Record<Unreplayable, string>> = {
  raw: 'it is not an assignment',
  masked: 'it held a secret, which was masked when it was kept',
  omitted: 'it was too large to be kept whole',
  nobody: 'it has no assignment id, or no tenant, that a result could go to',
}

/** Ids may have 128 bytes; `.r` and six digits must fit behind the base. */
const longestBase = 120
const digestLength = 16

/** What would be sent; or why nothing can be, as a sentence without its full stop. */
export function replayable(record: DeadLetter): Replayable | string {
  const { assignment_id: assignmentId, tenant_id: tenantId, assignment, result } = record
  if (!isAssignmentId(assignmentId) || !isTenantId(tenantId)) {
    return sentences[record.raw === undefined ? 'nobody' : 'raw']
  }
  const caller = { assignmentId, tenantId }
  // A secret in a result was masked before the result was first sent.
  if (record.reason === 'PUBLISH_ERROR') {
    return result === undefined ? sentences.omitted : { kind: 'result', result, caller }
  }
  if (record.masked === true) return sentences.masked
  if (assignment !== undefined) return { kind: 'job', assignment, caller }
  return sentences[record.raw === undefined ? 'omitted' : 'raw']
}

/** Which job an entry belongs to, and which replay of it comes next as far as the entry knows. */
export function lineage(record: DeadLetter): Lineage {
  const id = record.assignment_id ?? record.id
  // The header is anybody's to send: with more digits it could have the number grow until the id does not fit.
  const found = record.replay_of === undefined ? null : /^(.+)\.r([1-9]\d{0,4})$/s.exec(id)
  const base = shortened(found?.[1] ?? id)
  const job = jobKey({ tenantId: record.tenant_id ?? '', assignmentId: base })
  return { base, job, atLeast: Number(found?.[2] ?? 0) + 1 }
}

/** The id that the `n`th replay runs under; that of a result does not change. */
export function replayId(record: DeadLetter, { kind, caller }: Replayable, n: number): string {
  return kind === 'result' ? caller.assignmentId : `${lineage(record).base}.r${n}`
}

/** The message of the `n`th replay. */
export function replayMessage(record: DeadLetter, what: Replayable, n: number, wiring: Wiring): Message {
  return what.kind === 'job' ? jobMessage(record, what, n, wiring) : resultMessage(record, what, wiring)
}

function jobMessage(
  record: DeadLetter,
  what: Replayable & { readonly kind: 'job' },
  n: number,
  { subjects }: Wiring,
): Message {
  const assignmentId = replayId(record, what, n)
  const text = objectText({ ...what.assignment, assignment_id: assignmentId })
  const headers = {
    ...callersOwn(record.headers ?? {}),
    [replayOfHeader]: record.id,
    // Not made of ids that callers know: whoever had used it first would have the stream drop the replay.
    'Nats-Msg-Id': `${record.id}.r${n}`,
  }
  const body = encodeText(record.form === 'envelope' ? wrap('exec_assign', text) : text)
  return { subject: subjects.assign, body, headers }
}

function resultMessage(
  record: DeadLetter,
  what: Replayable & { readonly kind: 'result' },
  { subjects, envelope }: Wiring,
): Message {
  const { form, headers = {}, assignment = {}, trace_id: traceId } = record
  const asked = readCaller({ ...assignment, ...wireIds(record) }, headers, form, new FieldReader())
  const caller: Caller = { traceId, ...asked, ...what.caller, form }
  const text = objectText(what.result)
  const isWrapped = envelope === 'always' || (envelope === 'auto' && form === 'envelope')
  const body = encodeText(isWrapped ? wrap('exec_result', text) : text)
  return { subject: subjects.result, body, headers: answerHeaders(caller, 'result', false) }
}

function wireIds({ assignment_id, tenant_id }: DeadLetter): JsonObject {
  return { assignment_id, tenant_id }
}

/** Without what a server would act upon, and without what workers told each other of the earlier run. */
function callersOwn(headers: MessageHeaders): MessageHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !/^(nats|beamline)-/i.test(name)))
}

/** A base that leaves room for `.r<n>`: what is too long ends in a digest of the whole. */
function shortened(id: string): string {
  if (Buffer.byteLength(id) <= longestBase) return id
  const digest = createHash('sha256').update(id).digest('hex').slice(0, digestLength)
  const kept = Buffer.from(id).subarray(0, longestBase - digestLength - 1)
  // A character that was cut in two is left out.
  const text = new TextDecoder().decode(kept, { stream: true })
  return `${text}~${digest}`
}
