/** What is wrong with an input, told as the check of every input tells it. */
import type { z } from 'zod'
import { JobError } from '../../errors.ts'

/** What is wrong, and where. */
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

/** INVALID_INPUT that names the field; for what shows only while a job runs. */
export function invalidInput(field: string, problem: string): JobError {
  const details = { fields: [{ field, problem }] }
  return new JobError('INVALID_INPUT', 'The input is not what this job type takes', { details, unsent: true })
}
