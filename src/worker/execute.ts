import { JobError } from '../errors.ts'
import type { JobContext } from '../handler.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../observe/logger.ts'
import type { Job, Prepared } from './job.ts'
import { type Outcome, Stop } from './outcome.ts'
import { prepare } from './prepare.ts'

/** How long after its signal a handler may take to settle, in milliseconds, before it counts as stuck. */
const stuckAfterMs = 1000

/** What limits and surrounds every attempt. */
export interface ExecuteOptions {
  readonly clock: Clock
  readonly log: Logger
  readonly defaultTimeoutMs: number
  /** The deadline cuts an explicit time limit short. */
  readonly strictDeadline: boolean
  /** Handlers that touch the outside answer with their sample. */
  readonly sandbox: boolean
}

/** One attempt: checks the input, limits the time, runs the handler, and turns any ending into an Outcome. Never rejects. */
export async function execute(job: Job, options: ExecuteOptions): Promise<Outcome> {
  try {
    job.prepared ??= prepare(job)
  } catch (error) {
    return { kind: 'failed', error: JobError.from(error) }
  }
  if (options.sandbox && job.handler.sandbox === 'sample') return { kind: 'succeeded', output: job.handler.sample }
  return run(job, job.prepared, options)
}

function run(job: Job, prepared: Prepared, options: ExecuteOptions): Promise<Outcome> {
  const { clock } = options
  const controller = new AbortController()
  return new Promise((resolve) => {
    let stop: Stop | undefined
    const halt = (why: Stop['why']): void => {
      if (stop !== undefined) return
      stop = new Stop(why)
      limit.cancel()
      controller.abort(stop)
      grace = clock.after(stuckAfterMs, () => end({ kind: 'stopped', why, unsent: false, stuck: true }))
    }
    const limit = clock.after(timeLimitMs(job, prepared, options), () => halt('timeout'))
    let grace: { cancel(): void } | undefined
    const end = (outcome: Outcome): void => {
      limit.cancel()
      grace?.cancel()
      job.onStop(undefined)
      resolve(outcome)
    }
    job.onStop(halt)
    start(job, prepared, contextOf(job, controller.signal, options)).then(
      // A handler that made it although it was told to stop has had its effect: that is a success.
      (output) => end({ kind: 'succeeded', output }),
      (thrown: unknown) => end(stop === undefined ? failed(thrown) : stopped(stop, thrown)),
    )
  })
}

/** A handler that throws before it returns its promise has failed like any other. */
async function start(job: Job, { input }: Prepared, context: JobContext): Promise<unknown> {
  return job.handler.run(input, context)
}

function failed(thrown: unknown): Outcome {
  return { kind: 'failed', error: JobError.from(thrown) }
}

function stopped({ why }: Stop, thrown: unknown): Outcome {
  return { kind: 'stopped', why, unsent: thrown instanceof JobError && thrown.unsent, stuck: false }
}

function timeLimitMs(job: Job, { timeoutMs }: Prepared, options: ExecuteOptions): number {
  const leftMs = job.deadlineAt === undefined ? undefined : job.deadlineAt - options.clock.monotonic()
  if (timeoutMs === undefined) return leftMs ?? job.handler.timeoutMs ?? options.defaultTimeoutMs
  return options.strictDeadline && leftMs !== undefined ? Math.min(timeoutMs, leftMs) : timeoutMs
}

function contextOf(job: Job, signal: AbortSignal, { clock, log }: ExecuteOptions): JobContext {
  const { assignmentId, tenantId, userId } = job.assignment
  return {
    signal,
    clock,
    get log() {
      return log.child({ assignment_id: assignmentId, tenant_id: tenantId, job_type: job.handler.type })
    },
    assignmentId,
    tenantId,
    userId,
    attempt: job.attempts + 1,
  }
}
