/** The fields that every job has which makes an HTTP request, and what must hold between them. */
import { z } from 'zod'
import { authField, authHeader } from './auth-input.ts'
import { fieldsOf } from './bounded.ts'
import { headerNamed, headerProblems, headersField } from './header-input.ts'
import { valueProblem } from './header-rules.ts'
import { idempotencyHeader } from './idempotency-key.ts'
import type { Problem } from './input-error.ts'
import { retryField } from './retry.ts'
import { statuses } from './status-list.ts'
import { urlText } from './url.ts'

/** The limits of the settings. */
export interface OutgoingLimits {
  readonly maxRedirects: number
  /** As `status-pattern.ts` reads it. */
  readonly okStatus: string
}

/** The whole input of such a job. */
export function requestInput<T extends z.ZodType>(fields: T) {
  return fieldsOf(fields, 1000)
}

/** The shared fields, under these limits. */
export function requestFields({ maxRedirects, okStatus }: OutgoingLimits) {
  return {
    url: urlText.describe('An absolute URL with http or https. Credentials belong in `auth`. A fragment is not sent.'),
    headers: headersField
      .optional()
      .describe(
        'Each value a text, number, boolean or `{"secret":"NAME"}`; null leaves the header out. One that holds a secret, or whose name looks like it, does not follow a redirect to another origin.',
      ),
    auth: authField.optional().describe(authField.description ?? ''),
    ok_status: statuses
      .optional()
      .describe(
        `Statuses that are a success: \`"2xx,404"\`, \`"any"\`, \`[200,"3xx"]\`. Without it ${okStatus}, another is HTTP_ERROR.`,
      ),
    follow_redirects: z.boolean().default(true).describe('Whether redirects are followed.'),
    max_redirects: z
      .int()
      .min(0)
      .max(maxRedirects)
      .optional()
      .describe('The most redirects to follow, at most HTTP_MAX_REDIRECTS, which is what is followed without it.'),
    timeout_ms: z.int().min(1).optional().describe('Limit of each try, in milliseconds.'),
    first_byte_timeout_ms: z
      .int()
      .min(1)
      .max(3_600_000)
      .optional()
      .describe('Limit of the wait for the head of the response, in milliseconds.'),
    retry: retryField
      .optional()
      .describe(
        '`{strategy: exponential, linear, fixed or none, max_attempts (4), base_ms (200), max_ms (30000), jitter (true, or a share from 0 to 1), on_status (408, 425, 429, 5xx), respect_retry_after (true)}`. Wins over `options.retry`.',
      ),
    idempotency_key: z
      .union([z.boolean(), z.string()], { error: 'Not true, false or a text' })
      .refine((key) => key !== '', { error: 'An empty text is no key' })
      .optional()
      .describe(
        'True sends an Idempotency-Key made from the assignment, the same on every try; a text is sent as it is. With one, any request may be repeated.',
      ),
  }
}

/** What a job has said in the shared fields. */
export type RequestInput = z.output<z.ZodObject<ReturnType<typeof requestFields>>>

/** What is wrong in and between the shared fields. */
export function requestProblems({ headers, auth, idempotency_key: key, url }: RequestInput): readonly Problem[] {
  const set = [
    { name: headerNamed(headers, auth && authHeader(auth)), by: 'auth' },
    {
      name: headerNamed(headers, key === undefined || key === false ? undefined : idempotencyHeader),
      by: 'idempotency_key',
    },
  ]
  const keyProblem = typeof key === 'string' ? valueProblem(key) : undefined
  return [
    ...headerProblems(headers ?? {}, url),
    ...set.flatMap(({ name, by }) =>
      name === undefined ? [] : [{ path: ['headers', name], problem: `May not be set: ${by} sets it` }],
    ),
    ...(keyProblem === undefined ? [] : [{ path: ['idempotency_key'], problem: keyProblem }]),
  ]
}

/** Whether the request carries an Idempotency-Key, made here or by the caller. */
export function hasIdempotencyKey({ headers, idempotency_key: key = false }: RequestInput): boolean {
  return key !== false || headerNamed(headers, idempotencyHeader) !== undefined
}
