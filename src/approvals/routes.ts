import { Elysia } from 'elysia'
import { z } from 'zod'
import { answer } from '../http/openapi.ts'
import { HttpProblem } from '../http/problem.ts'
import { wireRecord } from './approval.ts'
import { nobody, type Refusal } from './machine.ts'
import type { Office } from './office.ts'
import { decisionBody, listQuery, listShape, recordShape } from './wire.ts'

interface Options {
  readonly office: Office
}

const idParams = z.object({ approval_id: z.string() })
const tags = ['Approvals']

const refusals: Readonly<Record<Exclude<Refusal, 'ended'>, readonly [status: number, title: string, detail: string]>> =
  {
    option: [400, 'Bad Request', 'This option is not offered.'],
    approver: [403, 'Forbidden', 'Not one of the approvers.'],
    self: [403, 'Forbidden', 'Whoever asks may not approve.'],
    voted: [409, 'Conflict', 'This approver has voted already, and a vote cannot be changed.'],
    full: [413, 'Content Too Large', 'There is no room left for this vote with its comment.'],
  }

/** The routes for approvals, for who holds the token of the API. */
export function approvalRoutes({ office }: Options) {
  return new Elysia({ name: 'approvals' })
    .get(
      '/v1/approvals',
      async ({ query }) => {
        const { items, next } = await reached(office.list(query.status, query.cursor))
        return { items: items.map(wireRecord), ...(next !== undefined && { next }) }
      },
      {
        query: listQuery,
        detail: {
          summary: 'Lists approvals, a hundred a page.',
          description: 'Where approvals are kept in a file of each worker, those of this worker.',
          tags,
          responses: { 200: answer('A page.', listShape) },
        },
      },
    )
    .get(
      '/v1/approvals/:approval_id',
      async ({ params }) => {
        const approval = await reached(office.find(params.approval_id))
        if (approval === undefined) throw unknownApproval()
        return wireRecord(approval)
      },
      {
        params: idParams,
        detail: {
          summary: 'One approval with its votes.',
          tags,
          responses: {
            200: answer('The record.', recordShape),
            404: answer('There is none.'),
            503: answer('The worker that holds it does not answer.'),
          },
        },
      },
    )
    .post(
      '/v1/approvals/:approval_id/decision',
      async ({ params, body }) => {
        const { decision, approver = nobody, comment } = body
        if (body.approver === undefined) {
          const asked = await reached(office.find(params.approval_id))
          if (asked?.question.noSelfApproval) throw nameless()
        }
        const ballot = { approver, decision, comment: comment ?? undefined, via: 'api' } as const
        const voted = await reached(office.vote(params.approval_id, ballot))
        if (voted === undefined) throw unknownApproval()
        const { approval, refusal } = voted
        const record = wireRecord(approval)
        if (refusal === undefined) return record
        if (refusal === 'ended') throw new HttpProblem(409, 'Conflict', 'It has ended.', { approval: record })
        const [status, title, detail] = refusals[refusal]
        throw new HttpProblem(status, title, detail, status === 409 ? { approval: record } : {})
      },
      {
        params: idParams,
        body: decisionBody,
        detail: {
          summary: 'Votes for an approver.',
          description: 'The same vote of the same person again changes nothing.',
          tags,
          responses: {
            200: answer('The record, with the vote.', recordShape),
            400: answer('The option is not offered, or an approver must be named.'),
            403: answer('Not one of the approvers.'),
            404: answer('There is none.'),
            409: answer('It has ended, or the approver has voted otherwise; with the record.'),
            413: answer('There is no room left for the vote with its comment.'),
            503: answer('The worker that holds it does not answer.'),
          },
        },
      },
    )
}

async function reached<T>(work: Promise<T | 'unreachable'>): Promise<T> {
  const found = await work
  if (found !== 'unreachable') return found
  throw new HttpProblem(503, 'Service Unavailable', 'Whoever holds the approval does not answer; ask again later.')
}

function nameless(): HttpProblem {
  return new HttpProblem(400, 'Bad Request', 'Whoever asks may not approve: name the approver who decides.')
}

function unknownApproval(): HttpProblem {
  return new HttpProblem(404, 'Not Found', 'There is no such approval.')
}
