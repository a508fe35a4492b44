/** Expressions that make the body of a request, and a value of its response. */
import { z } from 'zod'
import { JobError } from '../../errors.ts'
import type { JobContext } from '../../handler.ts'
import { restated } from '../../lib/restated-error.ts'
import type { Mask } from '../../lib/secret-mask.ts'
import type { Jmespath } from '../../services/jmespath/jmespath.ts'
import { fieldsOf } from './bounded.ts'
import type { HttpOutput } from './response.ts'

/** `transform` of an input. */
export const transformField = fieldsOf(
  z.strictObject({ request: z.string().optional(), response: z.string().optional() }),
)

/** What a job says about transforming. */
export type Transform = z.output<typeof transformField>

/** What expressions of one job are evaluated with. */
export interface Evaluation {
  readonly jmespath: Jmespath
  readonly context: JobContext
  /** How long one may take on a thread, in milliseconds. */
  readonly limitMs: number
}

/** Throws JMESPATH_COMPILE_ERROR when one of them is no expression: before anything is sent. */
export function checkTransform(transform: Transform | undefined, jmespath: Jmespath): void {
  for (const expression of Object.values(transform ?? {})) if (expression !== undefined) jmespath.check(expression)
}

/** The value of `transform.request`. Rejects as Jmespath does, with SCRIPT_LIMIT_EXCEEDED when it takes too long. */
export function requestValue(expression: string, input: unknown, evaluation: Evaluation): Promise<unknown> {
  return search(expression, { input }, 'transform.request', evaluation)
}

/**
 * The value of `transform.response`. Its errors tell the response, `shown`, which has come; none of them is a reason to
 * send the request again.
 */
export async function responseValue(
  expression: string,
  { status, headers, body = null }: HttpOutput,
  { mask, shown, ...evaluation }: Evaluation & { readonly mask: Mask; readonly shown: HttpOutput },
): Promise<unknown> {
  try {
    // An expression could make of a secret what the mask does not know.
    const [known, text] = mask.data([headers, body] as const)
    return await search(expression, { status, headers: known, body: text }, 'transform.response', evaluation)
  } catch (thrown) {
    if (evaluation.context.signal.aborted) throw thrown
    throw restated(JobError.from(thrown), { retry: 'never', output: shown })
  }
}

async function search(
  expression: string,
  data: unknown,
  step: string,
  { jmespath, context, limitMs }: Evaluation,
): Promise<unknown> {
  const { signal, tenantId } = context
  try {
    return await jmespath.search(expression, data, signal, {
      tenantId,
      pauseTime: () => context.pauseTime(),
      resumeTime: () => Math.min(limitMs, context.resumeTime()),
    })
  } catch (thrown) {
    if (signal.aborted) throw thrown
    const error = JobError.from(thrown)
    if (error.code !== 'TIMEOUT') throw restated(error, { details: { step } })
    const details = { limit: 'time', step }
    throw new JobError('SCRIPT_LIMIT_EXCEEDED', 'The expression took too long', { details, cause: error })
  }
}
