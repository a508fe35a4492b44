/** A task on its way: waiting for a thread, on one, or ended. */
import { JobError } from '../../errors.ts'
import type { Clock, Timer } from '../../lib/clock.ts'
import { NeverBegun, type RunningThread } from './running-thread.ts'
import type { ScriptTask } from './thread-protocol.ts'

/** Whose task it is, and the time limit it has, which stands still while it waits. */
export interface TaskOwner {
  readonly tenantId: string
  /** The task waits from now on. May be called again. */
  pauseTime(): void
  /** A thread has begun with it: how many milliseconds it has from now. More is TIMEOUT. Not called when it ends at once. */
  resumeTime(): number
}

/** How many threads are tried that do not begin with it. */
const mostTries = 2

interface Options {
  readonly task: ScriptTask
  readonly owner: TaskOwner | undefined
  readonly signal: AbortSignal
  readonly clock: Clock
  /** It has to wait for another thread. */
  readonly again: (task: WaitingTask) => void
}

export class WaitingTask {
  readonly #options: Options
  readonly #ended = Promise.withResolvers<string>()
  #thread: RunningThread | undefined
  #limit: Timer | undefined
  #tries = 0

  constructor(options: Options) {
    this.#options = options
    options.owner?.pauseTime()
  }

  get tenantId(): string {
    return this.#options.owner?.tenantId ?? ''
  }

  /** Its value as JSON text, or how it failed. */
  get ended(): Promise<string> {
    return this.#ended.promise
  }

  start(thread: RunningThread): void {
    this.#thread = thread
    const done = thread.run(this.#options.task, () => this.#begun(thread))
    done.then(
      (json) => this.#succeeded(json),
      (reason: unknown) => this.#failed(reason),
    )
  }

  /** It is no longer wanted. */
  abandon(reason: unknown): void {
    this.#thread?.abandon(reason)
    this.fail(reason)
  }

  /** It ends without a thread. */
  fail(reason: unknown): void {
    this.#limit?.cancel()
    this.#ended.reject(reason)
  }

  /** There is no thread for it. */
  failUnbegun(): void {
    const message = 'No script thread could begin with it'
    this.fail(new JobError('RESOURCE_UNAVAILABLE', message, { unsent: true }))
  }

  #begun(thread: RunningThread): void {
    const limitMs = this.#options.owner?.resumeTime()
    if (limitMs === undefined) return
    this.#limit = this.#options.clock.after(Math.ceil(limitMs), () => thread.abandon(timeoutError()))
  }

  #succeeded(json: string): void {
    this.#thread = undefined
    this.#limit?.cancel()
    this.#ended.resolve(json)
  }

  #failed(reason: unknown): void {
    this.#thread = undefined
    if (!(reason instanceof NeverBegun)) return this.fail(reason)
    if (this.#options.signal.aborted) return
    this.#tries++
    if (this.#tries < mostTries) this.#options.again(this)
    else this.failUnbegun()
  }
}

function timeoutError(): JobError {
  return new JobError('TIMEOUT', 'The job did not end within its time limit')
}
