import { JobError } from '../errors.ts'

/** What a caller is told when there is no room anywhere. */
export const overload = new JobError('SYSTEM_OVERLOAD', 'No worker has room for the job; send it again later')
