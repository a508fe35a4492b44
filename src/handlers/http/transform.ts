/** Expressions that make the body of a request, and a value of its response. */
import { z } from 'zod'
import { JobError } from '../../errors.ts'
import { restated } from '../../lib/restated-error.ts'
import type { Mask } from '../../lib/secret-mask.ts'
import type { Jmespath } from '../../services/jmespath/jmespath.ts'
import type { HttpOutput } from './response.ts'

/** `transform` of an input. */
export const transformField = z.strictObject({ request: z.string().nullish(), response: z.string().nullish() })

/** What a job says about transforming. */
export type Transform = z.infer<typeof transformField>

/** Throws JMESPATH_COMPILE_ERROR when one of them is no expression: before anything is sent. */
export function checkTransform(transform: Transform | undefined, jmespath: Jmespath): void {
  for (const expression of Object.values(transform ?? {})) if (expression != null) jmespath.check(expression)
}

/** The value of `transform.response`. Its errors tell the response, which has come; none of them is a reason to send the request again. */
export async function responseValue(
  expression: string,
  output: HttpOutput,
  { jmespath, mask, signal }: { readonly jmespath: Jmespath; readonly mask: Mask; readonly signal: AbortSignal },
): Promise<unknown> {
  const { status, headers, body = null } = output
  try {
    // An expression could make of a secret what the mask does not know.
    return await jmespath.search(expression, mask.data({ status, headers, body }), signal)
  } catch (thrown) {
    if (signal.aborted) throw thrown
    throw restated(JobError.from(thrown), {
      retry: 'never',

      details: { step: 'transform.response' },
      output,
    })
  }
}
