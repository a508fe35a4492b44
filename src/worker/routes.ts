import { Elysia } from 'elysia'
import { z } from 'zod'
import { type Bus, PublishError } from '../bus/bus.ts'
import { JobError } from '../errors.ts'
import { type Submission, toSubmission } from '../exchange/submission.ts'
import type { Submissions } from '../exchange/submit.ts'
import { answer, jsonBody } from '../http/openapi.ts'
import { HttpProblem } from '../http/problem.ts'
import { payloadPath } from '../protocol/assignment.ts'
import { encodeCancel } from '../protocol/cancel.ts'
import { decodeAssignment } from '../protocol/codec.ts'
import type { JsonObject } from '../protocol/json.ts'
import type { ReceivedResult } from '../protocol/received-result.ts'
import type { Subjects } from '../protocol/subjects.ts'
import type { Cancellations } from './cancel.ts'
import { prepare } from './prepare.ts'
import type { Registry } from './registry.ts'
import type { JobLookup } from './status.ts'

interface Options {
  readonly bus: Pick<Bus, 'emit'>
  readonly subjects: Pick<Subjects, 'cancel'>
  readonly registry: Registry
  readonly lookup: JobLookup
  readonly cancellations: Cancellations
  readonly submissions: Submissions
}

/** The longest a request may wait for a result, in milliseconds. */
const longestWaitMs = 600_000

const waitQuery = z.object({
  wait: z.coerce
    .number()
    .pipe(z.int().min(0).max(longestWaitMs))
    .default(30_000)
    .describe('How long to wait for the result, in milliseconds.'),
})
const tenantQuery = z.object({
  tenant_id: z.string().optional().describe('The tenant; without it, the one that used the id last.'),
})
/** What a person may send: only a job, or a whole assignment. */
const writtenJob = z.union([
  z.looseObject({ type: z.string(), payload: z.unknown().optional() }),
  z.looseObject({ job: z.looseObject({ type: z.string() }), tenant_id: z.string().optional() }),
])
const idParams = z.object({ assignment_id: z.string() })

const jobState = z.object({
  assignment_id: z.string(),
  tenant_id: z.string(),
  state: z.enum(['queued', 'running', 'retrying', 'waiting', 'done']),
  result: z.looseObject({ status: z.string() }).optional(),
})
const cancelStatus = z.object({ status: z.enum(['cancelled', 'cancel_requested']) })

/** The routes for jobs: run one, ask after one, cancel one. */
export function jobRoutes({ bus, subjects, registry, lookup, cancellations, submissions }: Options) {
  const tenantOf = (assignmentId: string, named: string | undefined): string =>
    named ?? lookup.tenantOf(assignmentId) ?? submissions.tenantOf(assignmentId) ?? 'local'

  return new Elysia({ name: 'jobs' })
    .post(
      '/v1/jobs',
      async ({ body, query, request }) => {
        const submission = readSubmission(body, registry)
        const result = await submit(submissions, submission, query.wait, request.signal)
        if (result === undefined) return Response.json({ assignment_id: submission.assignmentId }, { status: 202 })
        if (result.result['error_code'] === 'SYSTEM_OVERLOAD') {
          throw new HttpProblem(429, 'Too Many Requests', 'No worker has room for the job; send it again later.')
        }
        return Response.json(result.result)
      },
      {
        query: waitQuery,
        detail: {
          summary: 'Runs a job and waits for its result.',
          description: 'Missing ids are made up; the tenant is `local` unless one is named.',
          tags: ['Jobs'],
          requestBody: jsonBody(writtenJob),
          responses: {
            200: answer('The result, whether the job succeeded or failed.', z.looseObject({ status: z.string() })),
            202: answer('Taken, and not done within the wait.', z.object({ assignment_id: z.string() })),
            400: answer('Something is wrong with the job; every wrong field is named.'),
            413: answer('It is larger than the server or the message bus takes.'),
            429: answer('No worker has room for it.'),
            503: answer('It could not be handed over.'),
          },
        },
      },
    )
    .get(
      '/v1/jobs/:assignment_id',
      async ({ params, query }) => {
        const assignmentId = params.assignment_id
        const tenantId = tenantOf(assignmentId, query.tenant_id)
        const status = (await lookup.find(tenantId, assignmentId)) ?? submitted(submissions, tenantId, assignmentId)
        if (status === undefined) throw unknownJob()
        const result = 'result' in status ? { result: status.result } : {}
        return { assignment_id: assignmentId, tenant_id: tenantId, state: status.state, ...result }
      },
      {
        params: idParams,
        query: tenantQuery,
        detail: {
          summary: 'What has become of a job that this process runs, ran lately or submitted.',
          tags: ['Jobs'],
          responses: {
            200: answer('Its state, and its result when it is done.', jobState),
            404: answer('Not known here.'),
          },
        },
      },
    )
    .delete(
      '/v1/jobs/:assignment_id',
      async ({ params, query }) => {
        const assignmentId = params.assignment_id
        const tenantId = tenantOf(assignmentId, query.tenant_id)
        const status = await lookup.find(tenantId, assignmentId)
        if (status?.state === 'done') throw new HttpProblem(409, 'Conflict', 'The job has already ended.')
        if (status === undefined) bus.emit({ subject: subjects.cancel, body: encodeCancel({ assignmentId, tenantId }) })
        const answer = await cancellations.cancel({ tenantId, assignmentId })
        return Response.json({ status: answer }, { status: answer === 'cancelled' ? 200 : 202 })
      },
      {
        params: idParams,
        query: tenantQuery,
        detail: {
          summary: 'Cancels a job: here at once, elsewhere by a request to all workers.',
          tags: ['Jobs'],
          responses: {
            200: answer('It is told to stop.', cancelStatus),
            202: answer('Nobody here holds it; every worker has been asked.', cancelStatus),
            409: answer('It has already ended.'),
          },
        },
      },
    )
}

/** The body as an assignment that some worker like this one would take and run; else a problem that names what is wrong. */
function readSubmission(body: unknown, registry: Registry): Submission {
  const submission = toSubmission(body)
  if (!('body' in submission)) throw badJob('The job has wrong fields.', { errors: submission })
  const decoded = decodeAssignment(submission.body, {})
  if (decoded.kind === 'ignored') throw badJob('This envelope holds no assignment.', {})
  if (decoded.kind !== 'assignment') throw badJob(decoded.error.message, { ...decoded.error.details })
  const { assignment } = decoded
  const handler = registry.find(assignment.jobType)
  if (handler === undefined) throw badJob('The job type is unknown.', { job_types: registry.types })
  try {
    // What a reference names is read where the job runs.
    if (assignment.input.kind === 'ref') payloadPath(assignment.input.ref)
    else prepare({ handler, assignment }, assignment.input.value)
  } catch (thrown) {
    const error = JobError.from(thrown)
    throw badJob(error.message, { error_code: error.code, ...error.details })
  }
  return submission
}

async function submit(
  submissions: Submissions,
  submission: Submission,
  waitMs: number,
  signal: AbortSignal,
): Promise<ReceivedResult | undefined> {
  try {
    return await submissions.submit(submission, waitMs, signal)
  } catch (error) {
    if (!(error instanceof PublishError)) throw error
    if (error.reason === 'too-large') {
      throw new HttpProblem(413, 'Content Too Large', 'The job is larger than the message bus takes.')
    }
    throw new HttpProblem(503, 'Service Unavailable', 'The job could not be handed over; send it again later.', {
      reason: error.reason,
    })
  }
}

function submitted(submissions: Submissions, tenantId: string, assignmentId: string) {
  const known = submissions.find({ tenantId, assignmentId })
  if (known === undefined) return undefined
  return known.result === undefined
    ? { state: 'queued' as const }
    : { state: 'done' as const, result: known.result.result }
}

function badJob(detail: string, extra: JsonObject): HttpProblem {
  return new HttpProblem(400, 'Bad Request', detail, extra)
}

function unknownJob(): HttpProblem {
  return new HttpProblem(404, 'Not Found', 'This process neither runs the job, nor ran it lately, nor submitted it.')
}
