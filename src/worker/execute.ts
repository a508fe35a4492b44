import { JobError } from '../errors.ts'
import type { JobContext } from '../handler.ts'
import type { Clock, Timer } from '../lib/clock.ts'
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
  return new Promise((resolve) => new Attempt(job, options, resolve).start(prepared))
}

/** An attempt under way, which is also what its handler is given. */
class Attempt implements JobContext {
  readonly clock: Clock
  readonly assignmentId: string
  readonly tenantId: string
  readonly userId: string | undefined
  readonly attempt: number
  readonly #job: Job
  readonly #options: ExecuteOptions
  readonly #resolve: (outcome: Outcome) => void
  /** Made when the handler first asks for its signal: many jobs are done before they need one. */
  #controller: AbortController | undefined
  #stop: Stop | undefined
  #hasEnded = false
  /** What the caller asked for, in milliseconds. */
  #timeoutMs: number | undefined
  #limit: Timer | undefined
  #grace: Timer | undefined

  constructor(job: Job, options: ExecuteOptions, resolve: (outcome: Outcome) => void) {
    this.clock = options.clock
    this.assignmentId = job.assignment.assignmentId
    this.tenantId = job.tenantId
    this.userId = job.assignment.userId
    this.attempt = job.attempts + 1
    this.#job = job
    this.#options = options
    this.#resolve = resolve
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    if (this.#stop !== undefined && !this.#controller.signal.aborted) this.#controller.abort(this.#stop)
    return this.#controller.signal
  }

  get log(): Logger {
    const { assignmentId, tenantId } = this
    return this.#options.log.child({
      assignment_id: assignmentId,
      tenant_id: tenantId,
      job_type: this.#job.handler.type,
    })
  }

  restartTime(): number {
    if (this.#stop !== undefined || this.#hasEnded) return 0
    this.#limit?.cancel()
    const limitMs = timeLimitMs(this.#job, this.#timeoutMs, this.#options)
    this.#limit = this.clock.after(limitMs, () => this.#halt('timeout'))
    return limitMs
  }

  start(prepared: Prepared): void {
    this.#timeoutMs = prepared.timeoutMs
    this.restartTime()
    this.#job.onStop((why) => this.#halt(why))
    this.#run(prepared).then(
      // A handler that made it although it was told to stop has had its effect: that is a success.
      (output) => this.#end({ kind: 'succeeded', output }),
      (thrown: unknown) => this.#end(this.#stop === undefined ? failed(thrown) : stopped(this.#stop, thrown)),
    )
  }

  /** A handler that throws before it returns its promise has failed like any other. */
  async #run({ input }: Prepared): Promise<unknown> {
    return this.#job.handler.run(input, this)
  }

  #halt(why: Stop['why']): void {
    if (this.#stop !== undefined) return
    this.#stop = new Stop(why)
    this.#limit?.cancel()
    this.#controller?.abort(this.#stop)
    this.#grace = this.clock.after(stuckAfterMs, () => this.#end({ kind: 'stopped', why, unsent: false, stuck: true }))
  }

  #end(outcome: Outcome): void {
    this.#hasEnded = true
    this.#limit?.cancel()
    this.#grace?.cancel()
    this.#job.onStop(undefined)
    this.#resolve(outcome)
  }
}

function failed(thrown: unknown): Outcome {
  return { kind: 'failed', error: JobError.from(thrown) }
}

function stopped({ why }: Stop, thrown: unknown): Outcome {
  return { kind: 'stopped', why, unsent: thrown instanceof JobError && thrown.unsent, stuck: false }
}

function timeLimitMs(job: Job, timeoutMs: number | undefined, options: ExecuteOptions): number {
  const leftMs = job.deadlineAt === undefined ? undefined : job.deadlineAt - options.clock.monotonic()
  if (timeoutMs === undefined) return leftMs ?? job.handler.timeoutMs ?? options.defaultTimeoutMs
  return options.strictDeadline && leftMs !== undefined ? Math.min(timeoutMs, leftMs) : timeoutMs
}
