/** The fields that every job has which makes an HTTP request, and what must hold between them. */
import { z } from 'zod'
import { authField, authHeader } from './auth-input.ts'
import { nameProblem, valueProblem } from './header-rules.ts'
import { idempotencyHeader } from './idempotency-key.ts'
import { retryField } from './retry.ts'
import { secretReference } from './secret-value.ts'
import { statuses } from './status-list.ts'

/** The limits of the settings. */
export interface OutgoingLimits {
  readonly maxRedirects: number
  /** As `status-pattern.ts` reads it. */
  readonly okStatus: string
}

const headerValue = z.union([z.string(), z.number(), z.boolean(), secretReference, z.null()])

/** The shared fields, under these limits. */
export function requestFields({ maxRedirects, okStatus }: OutgoingLimits) {
  return {
    url: z
      .string()
      .refine((text) => URL.canParse(text), { error: 'Not an absolute URL' })
      .describe('An absolute URL with http or https. Credentials belong in `auth`. A fragment is not sent.'),
    headers: z
      .record(z.string(), headerValue)
      .optional()
      .describe('Each value a text, number, boolean or `{"secret":"NAME"}`; null leaves the header out.'),
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
      .union([z.boolean(), z.string().min(1)])
      .optional()
      .describe(
        'True sends an Idempotency-Key made from the assignment, the same on every try; a text is sent as it is. With one, any request may be repeated.',
      ),
  }
}

/** What a job has said in the shared fields. */
export type RequestInput = z.infer<z.ZodObject<ReturnType<typeof requestFields>>>

/** Null in a field of the input means that it is absent. */
export function withoutNulls(input: unknown): unknown {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) return input
  return Object.fromEntries(Object.entries(input).filter(([, value]) => value !== null))
}

/** What is wrong with an input, and where. */
export interface Problem {
  readonly path: readonly string[]
  readonly problem: string
}

/** Has a schema name these problems as its own. */
export function addProblems(problems: readonly Problem[], context: z.RefinementCtx): void {
  for (const { path, problem } of problems) {
    context.addIssue({ code: 'custom', path: [...path], message: problem })
  }
}

/** What is wrong in and between the shared fields. */
export function requestProblems(input: RequestInput): readonly Problem[] {
  const { headers = {}, auth, idempotency_key: key = false } = input
  const names = Object.keys(headers)
  const taken = [
    { name: headerNamed(input, auth && authHeader(auth)), by: 'auth' },
    { name: headerNamed(input, key === false ? undefined : idempotencyHeader), by: 'idempotency_key' },
  ]
  const keyProblem = typeof key === 'string' ? valueProblem(key) : undefined
  return [
    ...Object.entries(headers).flatMap(([name, value]) => headerProblems(name, value, input.url)),
    ...names
      .filter((name, index) => names.slice(0, index).some((other) => isSame(other, name)))
      .map((name) => ({ path: ['headers', name], problem: 'The header stands there twice' })),
    ...taken.flatMap(({ name, by }) =>
      name === undefined ? [] : [{ path: ['headers', name], problem: `The header is what ${by} sets` }],
    ),
    ...(keyProblem === undefined ? [] : [{ path: ['idempotency_key'], problem: `The text ${keyProblem}` }]),
  ]
}

/** The name under which an input sets a header, in whatever case; undefined when it does not. */
export function headerNamed({ headers = {} }: RequestInput, name: string | undefined): string | undefined {
  if (name === undefined) return undefined
  return Object.keys(headers).find((given) => isSame(given, name) && headers[given] !== null)
}

/** Whether the request carries an Idempotency-Key, made here or by the caller. */
export function hasIdempotencyKey(input: RequestInput): boolean {
  return (input.idempotency_key ?? false) !== false || headerNamed(input, idempotencyHeader) !== undefined
}

function isSame(name: string, other: string): boolean {
  return name.toLowerCase() === other.toLowerCase()
}

function headerProblems(name: string, value: unknown, url: string): readonly Problem[] {
  if (name.toLowerCase() === 'host' && isHostOf(url, value)) return []
  const problem = nameProblem(name) ?? (typeof value === 'string' ? valueProblem(value) : undefined)
  return problem === undefined ? [] : [{ path: ['headers', name], problem: `The header ${problem}` }]
}

function isHostOf(url: string, value: unknown): boolean {
  return typeof value === 'string' && value.toLowerCase() === new URL(url).host
}
