import { z } from 'zod'
import { bounded, textUpTo } from '../http/bounded.ts'
import { addProblems, type Problem } from '../http/input-error.ts'
import { type OutgoingLimits, requestFields, requestInput, requestProblems } from '../http/request-input.ts'

/** The input of a GraphQL job, under these limits. */
export function graphqlInput(limits: OutgoingLimits) {
  const checked = graphqlFields(limits).superRefine((input, context) =>
    addProblems([...requestProblems(input), ...nameProblems(input), ...foreign(input)], context),
  )
  return requestInput(checked)
}

function graphqlFields(limits: OutgoingLimits) {
  const { url, ok_status: okStatus, ...rest } = requestFields(limits)
  const name = textUpTo(1000).optional()
  return z.looseObject({
    url,
    query: textUpTo(1_000_000).min(1).describe('The document: a query, a mutation, or several operations.'),
    variables: object('variables').optional().describe('The values of its variables.'),
    operationName: name.describe('Which of several operations is meant.'),
    operation_name: name.describe('The same.'),
    extensions: object('extensions').optional().describe('Passed on to the server.'),
    fail_on_errors: z
      .boolean()
      .default(false)
      .describe('Whether errors beside data fail the job; errors without data always do.'),
    ok_status: okStatus.describe('Statuses whose response is read like that of a success. Without it 2xx.'),
    ...rest,
  })
}

function object(what: string) {
  return bounded(z.record(z.string(), z.unknown()), { most: 10_000, what })
}

/** A checked input. */
export type GraphqlInput = z.output<ReturnType<typeof graphqlFields>>

/** The operation that is meant. */
export function operationNameOf({ operationName, operation_name: other }: GraphqlInput): string | undefined {
  return operationName ?? other
}

function nameProblems({ operationName, operation_name: other }: GraphqlInput): readonly Problem[] {
  const isOne = operationName === undefined || other === undefined || operationName === other
  return isOne ? [] : [{ path: ['operation_name'], problem: 'Not the same as operationName' }]
}

/** What HTTP jobs have and these have not: whoever sets it waits for an effect that it will not have. */
const ofHttp = ['method', 'body', 'form', 'multipart', 'body_base64', 'transform', 'include_body', 'save_to']

function foreign(input: GraphqlInput): readonly Problem[] {
  return ofHttp
    .filter((name) => input[name] !== undefined)
    .map((name) => ({ path: [name], problem: 'Not a field of GraphQL jobs, which post their query as JSON' }))
}
