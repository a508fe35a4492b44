/** Many jobs, some at a time: what `run` and `submit` have in common. */
import { type Submission, toSubmission } from '../exchange/submission.ts'
import { type JsonObject, objectText } from '../protocol/json.ts'
import { UsageError } from './command.ts'
import type { WrittenJob } from './job-lines.ts'
import { readProblem } from './job-source.ts'
import type { Output } from './output.ts'
import { Room } from './room.ts'

/** What became of one job: a line for standard output, and whether it counts as failed; or why there is none. */
export type JobEnd =
  | { readonly kind: 'line'; readonly line: JsonObject; readonly failed: boolean }
  | { readonly kind: 'problem'; readonly problem: string }

interface BatchOptions {
  readonly jobs: AsyncIterable<WrittenJob>
  /** Sends or runs one job. */
  readonly handle: (submission: Submission) => Promise<JobEnd>
  /** The most jobs that are handled at once. */
  readonly inFlight: number
  /** Begins no more jobs. */
  readonly signal: AbortSignal
  readonly output: Output
}

/** How many there were. */
export interface Tally {
  readonly succeeded: number
  readonly failed: number
  /** The jobs could not be read to their end. */
  readonly brokenOff: boolean
}

/**
 * Handles all jobs, prints a line for each as it ends, and names those without one on standard error. Resolves when
 * all that were begun have ended, also when reading breaks off. Rejects with UsageError when nothing can be read.
 */
export async function runBatch({ jobs, handle, inFlight, signal, output }: BatchOptions): Promise<Tally> {
  let succeeded = 0
  let failed = 0
  const room = new Room(inFlight)
  const fail = (where: string, problem: string): void => {
    failed += 1
    output.complain(`${where}: ${problem}`)
  }
  const handleOne = async (where: string, submission: Submission): Promise<void> => {
    const end = await handle(submission).catch(unexpected)
    if (end.kind === 'problem') fail(`${where} (${submission.assignmentId})`, end.problem)
    else {
      if (end.failed) failed += 1
      else succeeded += 1
      await output.print(objectText(end.line))
    }
    output.progress(`${succeeded + failed} done, ${failed} failed, ${room.taken - 1} under way`)
    room.leave()
  }
  const begin = async ({ where, ...job }: WrittenJob): Promise<void> => {
    const submission = 'problem' in job ? job.problem : toSubmission(job.value)
    if (typeof submission === 'string') return fail(where, submission)
    if (!('body' in submission)) {
      return fail(where, submission.map(({ field, problem }) => `${field || 'the job'} ${problem}`).join('; '))
    }
    await room.enter()
    if (signal.aborted) room.leave()
    else void handleOne(where, submission)
  }
  let last: string | undefined
  let broken: unknown
  try {
    for await (const job of jobs) {
      if (signal.aborted) break
      last = job.where
      await begin(job)
    }
  } catch (error) {
    broken = error
  }
  await room.emptied()
  output.progress('')
  if (broken !== undefined) {
    if (last === undefined) throw new UsageError(`the jobs cannot be read: ${readProblem(broken)}`)
    output.complain(`reading broke off after ${last}: ${readProblem(broken)}`)
  }
  return { succeeded, failed, brokenOff: broken !== undefined }
}

function unexpected(error: unknown): JobEnd {
  return { kind: 'problem', problem: error instanceof Error ? error.message : String(error) }
}
