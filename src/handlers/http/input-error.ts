import { JobError } from '../../errors.ts'

/** INVALID_INPUT that names the field, as the check of every input does; for what shows only while a job runs. */
export function invalidInput(field: string, problem: string): JobError {
  const details = { fields: [{ field, problem }] }
  return new JobError('INVALID_INPUT', 'The input is not what this job type takes', { details, unsent: true })
}
