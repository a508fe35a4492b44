import type { z } from 'zod'
import { JobError } from '../errors.ts'
import type { RetryPolicy } from '../handler.ts'
import { type Assignment, explicitTimeoutMs } from '../protocol/assignment.ts'
import type { Job, Prepared } from './job.ts'

/** The wire's defaults for retries: a base of 200 ms, at most 30 s, and one try when nobody asks for more. */
const defaultPolicy: RetryPolicy = { maxAttempts: 1, backoffMs: 200, maxBackoffMs: 30_000 }

/** How many wrong fields an error names; more do not help a caller. */
const namedFields = 20

/** How many characters it says of each: a caller chooses how long its own fields are called. */
const longestText = 200

/** Checks a job's input, as it was given, and works out what its attempts depend on. Throws the JobError it fails with. */
export function prepare({ handler, assignment }: Pick<Job, 'handler' | 'assignment'>, given: unknown): Prepared {
  const timeoutMs = explicitTimeoutMs(assignment, given)
  const parsed = handler.input.safeParse(given)
  if (!parsed.success) throw wrongInput(parsed.error, given)
  const input = parsed.data
  const policy = handler.retry?.(input, askedPolicy(assignment)) ?? usualPolicy(assignment)
  return { input, effect: handler.effect(input), policy, timeoutMs }
}

/** How often a job is tried about which its handler has nothing to say, or whose input could not be had yet. */
export function usualPolicy(assignment: Assignment): RetryPolicy {
  return askedPolicy(assignment) ?? defaultPolicy
}

function askedPolicy({ retry }: Assignment): RetryPolicy | undefined {
  if (retry === undefined) return undefined
  return {
    ...defaultPolicy,
    ...(retry.maxAttempts === undefined ? {} : { maxAttempts: retry.maxAttempts }),
    ...(retry.backoffMs === undefined ? {} : { backoffMs: retry.backoffMs }),
  }
}

function wrongInput(error: z.ZodError, given: unknown): JobError {
  const issues = error.issues.slice(0, namedFields).map((issue) => ({ ...issue, missing: isMissing(given, issue) }))
  const fields = issues.map(({ path, message, missing }) => ({
    field: short(path.join('.')),
    problem: missing ? 'Missing' : short(message),
  }))
  const details = { fields }
  return issues.some(({ missing }) => missing)
    ? new JobError('MISSING_REQUIRED_FIELD', 'A required field of the input is missing', { details })
    : new JobError('INVALID_INPUT', 'The input is not what this job type takes', { details })
}

/** Null where a value is required is as good as none; what a handler itself says of a null it has seen. */
function isMissing(given: unknown, { path, code }: Pick<z.core.$ZodIssue, 'path' | 'code'>): boolean {
  let value = given
  for (const key of path) {
    if (typeof value !== 'object' || value === null) return false
    value = Reflect.get(value, key)
  }
  return path.length > 0 && (value === undefined || (value === null && code !== 'custom'))
}

function short(text: string): string {
  return text.length > longestText ? `${text.slice(0, longestText)}…` : text
}
