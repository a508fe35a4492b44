/** What a GraphQL server's answer means for the job (GraphQL over HTTP, GraphQL section 7.1). */
import { z } from 'zod'
import { JobError, type Retry } from '../../errors.ts'
import { isTransient } from '../../lib/http-status.ts'
import type { StatusPattern } from '../../lib/status-pattern.ts'
import type { Answer } from '../../services/fetch/fetch.ts'
import { jsonOf, jsonOrText, textOf } from '../http/response.ts'

/** The response of a GraphQL server, as it came. */
export const graphqlOutput = z.looseObject({
  data: z.unknown().optional().describe('What was asked for; null where it could not be had.'),
  errors: z.array(z.unknown()).nullish().describe('What went wrong on the way to it.'),
  extensions: z.unknown().optional().describe('What the server adds.'),
})

type GraphqlResponse = z.infer<typeof graphqlOutput>

/** How an answer is judged. */
export interface Judgement {
  readonly isOk: StatusPattern
  readonly failOnErrors: boolean
  /** What another try is worth, if the status is the fault. */
  readonly retry: Retry
}

/**
 * The response in an answer. Throws as `jsonOf` does, HTTP_ERROR for a status that is no success unless a GraphQL
 * response with a status of the client's fault explains it, GRAPHQL_RESPONSE_PARSE_ERROR for what is no GraphQL
 * response, and GRAPHQL_ERRORS.
 */
export function responseOf(answer: Answer, { isOk, failOnErrors, retry }: Judgement): GraphqlResponse {
  const { status } = answer
  const details = { status }
  const text = textOf(answer)
  const parsed = isOk(status) ? jsonOf(answer, text) : jsonOrText(answer, text)
  const response = asResponse(parsed?.value)
  const output = response ?? { status, body: parsed === undefined ? text : parsed.value }
  if (!isOk(status) && (response === undefined || isTransient(status) || retry !== 'never')) {
    throw new JobError('HTTP_ERROR', 'The server answered with an error status', { retry, details, output })
  }
  if (response === undefined) {
    throw new JobError('GRAPHQL_RESPONSE_PARSE_ERROR', 'The answer is no GraphQL response', { details, output })
  }
  const { data, errors } = response
  if (errors?.length && (failOnErrors || (data ?? null) === null)) {
    const more = { ...details, errors: errors.length }
    throw new JobError('GRAPHQL_ERRORS', 'The GraphQL server answered with errors', { details: more, output })
  }
  return response
}

/** A response has data, or says why it has none. Looked at by hand: a schema takes its time for each field and error. */
function asResponse(value: unknown): GraphqlResponse | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  // An object of JSON; what matters of it is looked at here.
  const response = value as GraphqlResponse
  const errors = response.errors ?? []
  if (!Array.isArray(errors)) return undefined
  return response.data !== undefined || errors.length > 0 ? response : undefined
}
