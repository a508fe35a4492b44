import { z } from 'zod'
import {
  addProblems,
  type OutgoingLimits,
  type Problem,
  requestFields,
  requestProblems,
  withoutNulls,
} from '../http/request-input.ts'

/** The input of a GraphQL job, under these limits. */
export function graphqlInput(limits: OutgoingLimits) {
  const checked = graphqlFields(limits).superRefine((input, context) =>
    addProblems([...requestProblems(input), ...nameProblems(input)], context),
  )
  return z.preprocess(withoutNulls, checked)
}

function graphqlFields(limits: OutgoingLimits) {
  const { url, ok_status: okStatus, ...rest } = requestFields(limits)
  const object = z.record(z.string(), z.unknown())
  return z.looseObject({
    url,
    query: z.string().min(1).describe('The document: a query, a mutation, or several operations.'),
    variables: object.optional().describe('The values of its variables.'),
    operationName: z.string().optional().describe('Which of several operations is meant.'),
    operation_name: z.string().optional().describe('The same.'),
    extensions: object.optional().describe('Passed on to the server.'),
    fail_on_errors: z
      .boolean()
      .default(false)
      .describe('Whether errors beside data fail the job; errors without data always do.'),
    ok_status: okStatus.describe('Statuses whose response is read like that of a success. Without it 2xx.'),
    ...rest,
  })
}

/** A checked input. */
export type GraphqlInput = z.output<ReturnType<typeof graphqlFields>>

/** The operation that is meant. */
export function operationNameOf({ operationName, operation_name: other }: GraphqlInput): string | undefined {
  return operationName ?? other
}

function nameProblems({ operationName, operation_name: other }: GraphqlInput): readonly Problem[] {
  const isOne = operationName === undefined || other === undefined || operationName === other
  return isOne ? [] : [{ path: ['operation_name'], problem: 'operationName says otherwise' }]
}
