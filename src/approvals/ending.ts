/** How an approval that has ended is told: as the result of its job, decided once and published until it has arrived. */
import type { Bus } from '../bus/bus.ts'
import { JobError } from '../errors.ts'
import type { Reporter } from '../exchange/report.ts'
import type { Reporting } from '../exchange/reporting.ts'
import { backoffCeiling } from '../lib/backoff.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../observe/logger.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { DeadLetterReason } from '../protocol/dead-letter.ts'
import { encodeText, objectText } from '../protocol/json.ts'
import { decodeResult } from '../protocol/received-result.ts'
import type { Ending, Failure } from '../protocol/result.ts'
import { type Approval, type End, isApproving, outputOf } from './approval.ts'
import type { ApprovalRecord } from './record.ts'

/** How long one try to publish may take, in milliseconds, a lost connection included: shorter than others keep their hands off. */
const publishLimitMs = 5000
const firstRetryMs = 1000
const longestRetryMs = 30_000

/** The record with the result it ends with, once it has ended; from then on that is the result, whoever publishes it. */
export function endedWith(record: ApprovalRecord, reporter: Pick<Reporter, 'encode'>): ApprovalRecord {
  return withResult(record, reporter, (end) => endingOf(record.approval, end))
}

/** The same where the whole would not fit: nobody's comments, and of a decision only that it cannot be told. */
export function endedBriefly(record: ApprovalRecord, reporter: Pick<Reporter, 'encode'>): ApprovalRecord {
  const { approval } = record
  const votes = approval.votes.map(({ comment: _comment, ...cast }) => cast)
  const brief = { ...approval, votes, ...(approval.end !== undefined && { end: withoutComment(approval.end) }) }
  return withResult({ ...record, approval: brief }, reporter, (end) =>
    end.kind === 'decided' ? untold() : endingOf(brief, end),
  )
}

/** Whether the result says what was decided, and not that it is too large to be said. */
export function tellsDecision({ result }: ApprovalRecord): boolean {
  return statusOf(result?.body) === 'success'
}

interface Publishing extends Pick<Reporting, 'reporter' | 'closing'> {
  readonly bus: Pick<Bus, 'connected'>
  readonly maxRetries: number
  readonly clock: Clock
}

/** Dead letter, then result; resolves with what is to be noted. A result that never arrives is dead-lettered whole. */
export async function publishEnd(
  record: ApprovalRecord,
  publishing: Publishing,
): Promise<(record: ApprovalRecord) => ApprovalRecord> {
  const { reporter, closing, bus, maxRetries, clock } = publishing
  const tries = record.publishing?.tries ?? 0
  const later = (counted: number) => (marked: ApprovalRecord) => ({
    ...marked,
    publishing: { tries: counted, at: clock.now() + backoffCeiling(counted + 1, firstRetryMs, longestRetryMs) },
  })
  const reason = tries === 0 ? buriedAs(record) : undefined
  if (reason !== undefined && !(await bury(record, reason, reporter))) return later(0)
  if (await arrives(record, publishing)) return (marked) => ({ ...marked, publishedAt: clock.now() })
  // Who has no connection has not tried, and whoever is about to end leaves it to others.
  if (!bus.connected || closing.signal.aborted) return later(tries)
  if (tries < maxRetries || !(await bury(record, 'PUBLISH_ERROR', reporter))) return later(tries + 1)
  return (marked) => ({ ...marked, publishedAt: clock.now() })
}

/** One count and one line for every approval that ends. */
export function countEnd({ approval, job, result }: ApprovalRecord, metrics: Metrics, log: Logger): void {
  const { end, question, createdAt, assignmentId, tenantId } = approval
  if (end === undefined || result === undefined) return
  const status = decodeResult(encodeText(result.body))?.status ?? 'error'
  const isYes = end.kind === 'decided' && isApproving(question, end.decision)
  const kind = end.kind === 'decided' ? (isYes ? 'approved' : 'rejected') : end.kind
  metrics.approvalEnded(kind)
  if (end.kind === 'decided') metrics.approvalWaited((end.at - createdAt) / 1000)
  metrics.jobEnded(job.type, status, (end.at - job.startedAt) / 1000)
  log.info('Approval ended', {
    assignment_id: assignmentId,
    tenant_id: tenantId,
    job_type: job.caller.jobType,
    status,
    duration_ms: end.at - job.startedAt,
    context: { approval: approval.id, kind },
  })
}

function withResult(
  record: ApprovalRecord,
  reporter: Pick<Reporter, 'encode'>,
  told: (end: End) => Ending,
): ApprovalRecord {
  const { approval, job, result } = record
  const { end } = approval
  if (end === undefined || result !== undefined) return record
  const latencyMs = end.at - job.startedAt
  const attempts = Math.max(1, job.attempts)
  const encoded = reporter.encode({ caller: job.caller, ending: told(end), attempts, latencyMs })
  return { ...record, result: { body: new TextDecoder().decode(encoded.body), headers: encoded.headers } }
}

function withoutComment(end: End): End {
  if (end.kind !== 'decided') return end
  const { comment: _comment, ...brief } = end
  return brief
}

function endingOf(approval: Approval, end: End): Ending {
  switch (end.kind) {
    case 'decided':
      return { status: 'success', output: outputOf(approval, end) }
    case 'expired':
      return { status: 'timeout', error: expiredError(), retryable: false }
    case 'cancelled':
      return { status: 'cancelled', error: new JobError('CANCELLED', 'The job was cancelled'), retryable: false }
    default:
      return end satisfies never
  }
}

function expiredError(): JobError {
  return new JobError('APPROVAL_EXPIRED', 'Nobody decided in time')
}

function buriedAs({ approval: { end }, result }: ApprovalRecord): DeadLetterReason | undefined {
  if (end?.kind === 'expired') return 'EXPIRED'
  // A decision that was too large to be told.
  return end?.kind === 'decided' && statusOf(result?.body) !== 'success' ? 'JOB_FAILED' : undefined
}

async function bury(record: ApprovalRecord, reason: DeadLetterReason, reporter: Reporter): Promise<boolean> {
  const { job, result, approval } = record
  const received = decodeResult(encodeText(result?.body ?? ''))
  const { caller, assignment, subject, headers, attempts } = job
  const origin = { subject, headers, body: encodeText(objectText(assignment)) }
  const encoded = { result: received?.result ?? {}, ending: toldEnding(approval, received?.status) }
  return reporter.bury({ caller, origin, assignment, attempts: Math.max(1, attempts) }, encoded, reason)
}

/** As the result has it: a decision that could not be told has become a failure. */
function toldEnding(approval: Approval, status: string | undefined): { readonly status: 'success' } | Failure {
  const { end } = approval
  if (status === 'success' || end === undefined) return { status: 'success' }
  const ending = endingOf(approval, end)
  return ending.status === 'success' ? untold() : ending
}

function untold(): Failure {
  const error = new JobError('OUTPUT_TOO_LARGE', 'The output is too large to be sent')
  return { status: 'error', error, retryable: false }
}

async function arrives({ result }: ApprovalRecord, { reporter, closing, clock }: Publishing): Promise<boolean> {
  if (result === undefined) return false
  const limit = new AbortController()
  const timer = clock.after(publishLimitMs, () => limit.abort(new Error('It took too long')))
  try {
    const signal = AbortSignal.any([closing.signal, limit.signal])
    return await reporter.publish({ body: encodeText(result.body), headers: result.headers }, 0, signal)
  } finally {
    timer.cancel()
  }
}

function statusOf(body: string | undefined): string | undefined {
  return body === undefined ? undefined : decodeResult(encodeText(body))?.status
}
