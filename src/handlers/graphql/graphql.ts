/** The job type `graphql`: one operation on somebody else's server. */
import { JobError } from '../../errors.ts'
import { defineHandler, type Effect, type Handler, type JobContext } from '../../handler.ts'
import { restated } from '../../lib/restated-error.ts'
import { parseStatusPattern, type StatusPattern, statusMatcher } from '../../lib/status-pattern.ts'
import { Turns } from '../../lib/turns.ts'
import type { Answer } from '../../services/fetch/fetch.ts'
import { bodyOfValue } from '../http/body.ts'
import { hasIdempotencyKey } from '../http/request-input.ts'
import { turnFor } from '../http/response.ts'
import { retryAfter, retryPolicy } from '../http/retry.ts'
import { beforeSending, type Draft, type SendServices, send } from '../http/send.ts'
import { statusList } from '../http/status-list.ts'
import { requestUrl } from '../http/url.ts'
import { type GraphqlInput, graphqlInput, operationNameOf } from './input.ts'
import { effectOf } from './operation.ts'
import { graphqlOutput, responseOf } from './response.ts'

const usualOk: StatusPattern = parseStatusPattern('2xx') ?? (() => false)

/** The media types of the GraphQL-over-HTTP specification. */
const accept = 'application/graphql-response+json, application/json;q=0.9'

/** The handler, sending by these services. */
export function graphql(services: SendServices): Handler {
  const turns = new Turns()
  return defineHandler({
    type: 'graphql',
    aliases: ['graphql.query'],
    summary: 'Sends a GraphQL query or mutation and gives back the response.',
    pool: 'io',
    effect,
    sandbox: 'sample',
    input: graphqlInput(services.outgoing),
    output: graphqlOutput,
    example: { url: 'https://example.com/graphql', query: '{ viewer { name } }' },
    sample: { data: { viewer: { name: 'Ada' } } },
    retry: ({ retry }, asked) => retryPolicy(retry, asked),
    async run(input, context) {
      const draft = await beforeSending(() => draftOf(input))
      const answer = await sent(draft, services, context)
      await turnFor(answer, turns, context)
      const retry = retryAfter(answer, input.retry, context.clock)
      return responseOf(answer, { isOk: draft.isOk, failOnErrors: input.fail_on_errors, retry })
    },
  })
}

async function sent(draft: Draft, services: SendServices, context: JobContext): Promise<Answer> {
  try {
    return await send(draft, services, context)
  } catch (thrown) {
    if (!(thrown instanceof JobError) || thrown.code !== 'HTTP_REQUEST_FAILED') throw thrown
    throw restated(thrown, { code: 'GRAPHQL_REQUEST_FAILED' })
  }
}

function draftOf(input: GraphqlInput): Draft {
  const { query, variables, extensions, ok_status: ok } = input
  return {
    input,
    method: 'POST',
    url: requestUrl(input.url),
    body: bodyOfValue({ query, variables, operationName: operationNameOf(input), extensions }),
    accept,
    effect: effect(input),
    isOk: (ok === undefined ? undefined : statusMatcher(statusList(ok))) ?? usualOk,
  }
}

function effect(input: GraphqlInput): Effect {
  const ofOperation = effectOf(input.query, operationNameOf(input))
  return ofOperation === 'once' && hasIdempotencyKey(input) ? 'idempotent' : ofOperation
}
