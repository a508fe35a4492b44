import { Elysia } from 'elysia'
import { z } from 'zod'
import type { Replayer } from '../exchange/replay.ts'
import type { Replayed } from '../exchange/replay-end.ts'
import { acceptedReasons, acceptedStates, acceptedTimes, readFilter } from '../exchange/replay-filter.ts'
import { pageOf } from '../exchange/replay-page.ts'
import type { Skip } from '../exchange/replay-plan.ts'
import { shownHead, shownWhole } from '../exchange/replay-view.ts'
import { answer } from '../http/openapi.ts'
import { HttpProblem } from '../http/problem.ts'
import type { Clock } from '../lib/clock.ts'
import type { DeadLetterStore } from '../store/dead-letter-store.ts'

interface Options {
  readonly store: Pick<DeadLetterStore, 'entries' | 'find'>
  readonly replayer: Pick<Replayer, 'plan' | 'send'>
  readonly workerId: string
  readonly clock: Clock
}

const tags = ['Dead letters']
const pageSize = 100
const idShape = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/i

const listQuery = z.object({
  reason: z.string().optional().describe(`Only these: ${acceptedReasons}.`),
  type: z.string().optional().describe('Only of this job type.'),
  tenant: z.string().optional().describe('Only of this tenant.'),
  since: z.string().optional().describe(`Only from then on: ${acceptedTimes}.`),
  before: z.string().optional().describe('Only older ones, written likewise.'),
  state: z.string().optional().describe(`Only ${acceptedStates} ones; begun: it may have been sent.`),
  limit: z.coerce.number().pipe(z.int().min(1).max(pageSize)).default(pageSize).describe('The most of a page.'),
  cursor: z.string().regex(idShape).optional().describe('What the page before gave as `next`.'),
})
const idParams = z.object({ id: z.string() })
const forceQuery = z.object({
  force: z.enum(['true', 'false']).default('false').describe('Also when it was sent before, or may have been.'),
})

const markShape = z.looseObject({ state: z.enum(['begun', 'done', 'failed']), at: z.string(), by: z.string() })
const entryShape = z.looseObject({ id: z.string(), ts: z.string(), reason: z.string(), mark: markShape.optional() })
const listShape = z.object({ items: z.array(entryShape), next: z.string().optional() })
const replayShape = z.object({ id: z.string(), sent: z.enum(['job', 'result']), assignment_id: z.string() })

/** The routes for dead letters, for who holds the token of the API. */
export function deadLetterRoutes({ store, replayer, workerId, clock }: Options) {
  return new Elysia({ name: 'dead letters' })
    .get(
      '/v1/dlq',
      async ({ query, request }) => {
        const { cursor, limit } = query
        const filter = readFilter(query, clock.now(), unusable)
        const paging = { filter, limit, clock, cursor: cursor?.toUpperCase() }
        const { items, next } = await readable(pageOf(store.entries(request.signal), paging))
        return { items: items.map(shownHead), ...(next !== undefined && { next }) }
      },
      {
        query: listQuery,
        detail: {
          summary: 'Lists dead letters without their contents, newest first.',
          description:
            'Those of this worker, with `DLQ_STREAM` those of the fleet. A page may hold few and still have a next.',
          tags,
          responses: { 200: answer('A page.', listShape), 503: answer('They cannot be read now.') },
        },
      },
    )
    .get(
      '/v1/dlq/:id',
      async ({ params, request }) => {
        const kept = await readable(store.find(params.id.toUpperCase(), request.signal))
        if (kept === undefined) throw unknown()
        return shownWhole(kept)
      },
      {
        params: idParams,
        detail: {
          summary: 'All of one dead letter, with what became of it.',
          tags,
          responses: {
            200: answer('The record.', entryShape),
            404: answer('There is none.'),
            503: answer('They cannot be read now.'),
          },
        },
      },
    )
    .post(
      '/v1/dlq/:id/replay',
      async ({ params, query, request }) => {
        const id = params.id.toUpperCase()
        const order = { by: `api: ${workerId}`, force: query.force === 'true' }
        const replayed = await readable(replayOne(replayer, id, order, request.signal))
        return { id, sent: replayed.what, assignment_id: replayed.assignmentId }
      },
      {
        params: idParams,
        query: forceQuery,
        detail: {
          summary: 'Sends the job of a dead letter again under a new id, or its result as it is.',
          description: 'It stands for the other dead letters of its job. The result comes on the bus like any other.',
          tags,
          responses: {
            200: answer('It was sent.', replayShape),
            404: answer('There is none.'),
            409: answer('It was sent before, or may have been; with the mark.'),
            422: answer('It cannot be sent again; `reason` says why.'),
            503: answer('It could not be sent, or is not known to have been; `reason` says why.'),
          },
        },
      },
    )
}

function unusable(field: string, accepts: string): HttpProblem {
  const errors = [{ field, problem: `must be ${accepts}` }]
  return new HttpProblem(400, 'Bad Request', 'A parameter cannot be used.', { errors })
}

/** Rejects with the problem when it was not sent. */
async function replayOne(
  replayer: Options['replayer'],
  id: string,
  order: { readonly by: string; readonly force: boolean },
  signal: AbortSignal,
): Promise<Replayed & { readonly kind: 'sent' }> {
  const request = { ids: new Set([id]), matches: () => true, rejected: true, force: order.force, limit: 1 }
  const skipped: Skip[] = []
  const { replays } = await replayer.plan(request, (skip) => skipped.push(skip), signal)
  const [planned] = replays
  const replayed = planned === undefined ? endOf(skipped[0]) : await replayer.send(planned, order, signal)
  if (replayed.kind === 'sent') return replayed
  throw problemOf(replayed)
}

function endOf(skip: Skip | undefined): Exclude<Replayed, { kind: 'sent' }> {
  if (skip === undefined || skip.kind === 'missing') return { kind: 'missing' }
  return skip.kind === 'unreplayable' ? skip : { kind: 'taken', mark: skip.mark }
}

function problemOf(replayed: Exclude<Replayed, { kind: 'sent' }>): HttpProblem {
  switch (replayed.kind) {
    case 'missing':
      return unknown()
    case 'taken': {
      const { mark } = replayed
      const detail = mark.state === 'done' ? 'It has been sent again before.' : 'It may have been sent again before.'
      return new HttpProblem(409, 'Conflict', detail, { mark })
    }
    case 'unreplayable':
      return new HttpProblem(422, 'Unprocessable Content', 'It cannot be sent again.', { reason: replayed.why })
    case 'failed':
      return new HttpProblem(503, 'Service Unavailable', 'It could not be sent.', { reason: replayed.why })
    case 'unsure':
      return new HttpProblem(503, 'Service Unavailable', 'It may have been sent; it stays marked as begun.', {
        reason: replayed.why,
      })
    default:
      return replayed satisfies never
  }
}

async function readable<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (error instanceof HttpProblem) throw error
    const reason = error instanceof Error ? error.message : String(error)
    throw new HttpProblem(503, 'Service Unavailable', 'The dead letters cannot be read now.', { reason })
  }
}

function unknown(): HttpProblem {
  return new HttpProblem(404, 'Not Found', 'There is no such dead letter.')
}
