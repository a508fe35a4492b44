import { JobError } from '../errors.ts'
import { type JobContext, Parked } from '../handler.ts'
import type { Clock, Timer } from '../lib/clock.ts'
import type { Logger } from '../observe/logger.ts'
import { explicitTimeoutMs, payloadPath } from '../protocol/assignment.ts'
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
  /** The largest message, in bytes; it may change with the server. */
  readonly maxOutputBytes: () => number
  /** What a `payload_ref` of this tenant's stands for. */
  readonly readPayload: (tenantId: string, reference: unknown, signal: AbortSignal) => Promise<unknown>
}

/** One attempt: checks the input, limits the time, runs the handler, and turns any ending into an Outcome. Never rejects. */
export async function execute(job: Job, options: ExecuteOptions): Promise<Outcome> {
  const { handler, assignment } = job
  const { input } = assignment
  let timeoutMs: number | undefined
  try {
    if (input.kind === 'value') job.prepared ??= prepare(job, input.value)
    else payloadPath(input.ref)
    timeoutMs = job.prepared === undefined ? explicitTimeoutMs(assignment, undefined) : job.prepared.timeoutMs
  } catch (error) {
    return failed(error)
  }
  // There is nothing in the store either, for what would have put it there was not run.
  const isSample = handler.sandbox === 'sample' || input.kind === 'ref'
  if (options.sandbox && isSample) return { kind: 'succeeded', output: sampleOf(job) }
  return run(job, timeoutMs, options)
}

function sampleOf({ handler, prepared }: Job): unknown {
  const own: unknown = prepared === undefined ? undefined : handler.sampleFor?.(prepared.input)
  return own ?? handler.sample
}

function run(job: Job, timeoutMs: number | undefined, options: ExecuteOptions): Promise<Outcome> {
  return new Promise((resolve) => new Attempt(job, options, resolve).start(timeoutMs))
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
  /** In monotonic milliseconds. */
  #startedAt = 0
  #limit: Timer | undefined
  /** When the time limit is up, and when the deadline, in monotonic milliseconds. */
  #limitAt = Number.POSITIVE_INFINITY
  #deadlineAt = Number.POSITIVE_INFINITY
  /** What was left of the time limit when it began to stand still, in milliseconds. */
  #pausedMs: number | undefined
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

  get maxOutputBytes(): number {
    return this.#options.maxOutputBytes()
  }

  get log(): Logger {
    const { assignmentId, tenantId } = this
    return this.#options.log.child({
      assignment_id: assignmentId,
      tenant_id: tenantId,
      job_type: this.#job.handler.type,
    })
  }

  pauseTime(): void {
    if (this.#isOver || this.#pausedMs !== undefined) return
    this.#pausedMs = this.#limitAt - this.clock.monotonic()
    this.#limitAt = Number.POSITIVE_INFINITY
    this.#arm()
  }

  resumeTime(): number {
    if (this.#pausedMs !== undefined && !this.#isOver) {
      this.#limitAt = this.clock.monotonic() + this.#pausedMs
      this.#pausedMs = undefined
      this.#arm()
    }
    return this.timeLeftMs()
  }

  timeLeftMs(): number {
    if (this.#isOver) return 0
    const now = this.clock.monotonic()
    return Math.max(0, Math.min(this.#pausedMs ?? this.#limitAt - now, this.#deadlineAt - now))
  }

  /** `timeoutMs`: what the caller asked for, as far as that is known. */
  start(timeoutMs: number | undefined): void {
    this.#startedAt = this.clock.monotonic()
    this.#limitTime(timeoutMs)
    this.#job.onStop((why) => this.#halt(why))
    this.#run().then(
      // A handler that made it although it was told to stop has had its effect: that is a success.
      (output) => this.#end(output instanceof Parked ? parked(output) : { kind: 'succeeded', output }),
      (thrown: unknown) => this.#end(this.#stop === undefined ? failed(thrown) : stopped(this.#stop, thrown)),
    )
  }

  /** A handler that throws before it returns its promise has failed like any other. */
  async #run(): Promise<unknown> {
    const { input } = this.#job.prepared ?? (await this.#prepareStored())
    return this.#job.handler.run(input, this)
  }

  /** Reads what the job only refers to, and checks it like any input. All tries use what the first one has read. */
  async #prepareStored(): Promise<Prepared> {
    const { assignment } = this.#job
    const reference = assignment.input.kind === 'ref' ? assignment.input.ref : undefined
    const given = await this.#options.readPayload(this.tenantId, reference, this.signal)
    this.signal.throwIfAborted()
    const prepared = prepare(this.#job, given)
    this.#job.prepared = prepared
    this.#limitTime(prepared.timeoutMs)
    return prepared
  }

  #limitTime(timeoutMs: number | undefined): void {
    const { limitMs, deadlineAt } = timeOf(this.#job, timeoutMs, this.#options)
    this.#limitAt = this.#startedAt + limitMs
    this.#deadlineAt = deadlineAt
    this.#arm()
  }

  get #isOver(): boolean {
    return this.#stop !== undefined || this.#hasEnded
  }

  #arm(): void {
    this.#limit?.cancel()
    const endAt = Math.min(this.#limitAt, this.#deadlineAt)
    if (endAt === Number.POSITIVE_INFINITY) return
    this.#limit = this.clock.after(Math.ceil(endAt - this.clock.monotonic()), () => this.#halt('timeout'))
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

function parked({ inquiry }: Parked): Outcome {
  return { kind: 'parked', inquiry }
}

function failed(thrown: unknown): Outcome {
  return { kind: 'failed', error: JobError.from(thrown) }
}

function stopped({ why }: Stop, thrown: unknown): Outcome {
  return { kind: 'stopped', why, unsent: thrown instanceof JobError && thrown.unsent, stuck: false }
}

interface Time {
  /** For this attempt, in milliseconds. */
  readonly limitMs: number
  /** For all attempts, in monotonic milliseconds. */
  readonly deadlineAt: number
}

function timeOf({ deadlineAt, handler }: Job, timeoutMs: number | undefined, options: ExecuteOptions): Time {
  const never = Number.POSITIVE_INFINITY
  if (timeoutMs !== undefined) {
    return { limitMs: timeoutMs, deadlineAt: options.strictDeadline ? (deadlineAt ?? never) : never }
  }
  if (deadlineAt !== undefined) return { limitMs: never, deadlineAt }
  return { limitMs: handler.timeoutMs ?? options.defaultTimeoutMs, deadlineAt: never }
}
