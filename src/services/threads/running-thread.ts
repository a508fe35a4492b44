/** One script thread, seen from the pool: what it does, and that it has ended. */
import { type ErrorCode, JobError } from '../../errors.ts'
import type { Clock, Timer } from '../../lib/clock.ts'
import type { FromThread, ScriptAnswer, ScriptTask, ToThread } from './thread-protocol.ts'

/** What happens to a thread that its pool must know. */
interface Events {
  /** It has ended, or will not answer: it must be terminated and replaced. Told once. */
  lost(thread: RunningThread): void
  /** It can take a task. */
  idle(thread: RunningThread): void
}

/** How long a thread may take to begin, in milliseconds. */
const startLimitMs = 10_000

/**
 * How long a thread may go on with what nobody wants any more, in milliseconds, before it is ended. It ends by itself within
 * a few, but on a busy machine it may have to wait for a processor; and replacing it takes longer still.
 */
const graceMs = 200

/** How long a terminated thread may take to be gone, in milliseconds, before that is no longer waited for. */
const endLimitMs = 2000

interface RunOptions {
  /** Milliseconds from when it begins. */
  readonly limitMs: number | undefined
  readonly begun: () => void
}

interface Work {
  readonly begun: () => void
  readonly done: (json: string) => void
  readonly failed: (reason: unknown) => void
}

export class RunningThread {
  readonly #worker: Worker
  readonly #clock: Clock
  readonly #events: Events
  readonly #cancelled = new Int32Array(new SharedArrayBuffer(4))
  readonly #ready = Promise.withResolvers<void>()
  readonly #gone = Promise.withResolvers<void>()
  #isLost = false
  #work: Work | undefined
  #grace: Timer | undefined

  constructor(worker: Worker, clock: Clock, events: Events) {
    this.#worker = worker
    this.#clock = clock
    this.#events = events
    // What a thread of ours sends is what its protocol says.
    worker.addEventListener('message', ({ data }) => this.#hear(data as FromThread))
    worker.addEventListener('error', () => this.#lose())
    worker.addEventListener('close', () => {
      this.#gone.resolve()
      this.#lose()
    })
  }

  /** Resolves when it can take its first task; rejects when it does not come to that. */
  async ready(): Promise<void> {
    const timer = this.#clock.after(startLimitMs, () => this.#lose())
    try {
      await this.#ready.promise
    } finally {
      timer.cancel()
    }
  }

  /**
   * The value of a task as JSON text. One at a time. The process stays alive for it. `begun` is called when the thread
   * had to load something first, and only now begins with it.
   */
  run(task: ScriptTask, { limitMs, begun }: RunOptions): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>()
    this.#work = { begun, done: resolve, failed: reject }
    Atomics.store(this.#cancelled, 0, 0)
    this.#worker.ref()
    this.#post({ kind: 'run', task, limitMs })
    return promise
  }

  /** The task is no longer wanted: its promise rejects at once, the thread has a short grace to end it by itself. */
  abandon(reason: unknown): void {
    const work = this.#work
    if (work === undefined) return
    this.#work = undefined
    Atomics.store(this.#cancelled, 0, 1)
    this.#grace = this.#clock.after(graceMs, () => this.#lose())
    work.failed(reason)
  }

  /** Ends it, whatever it does. Resolves when it is gone. */
  async terminate(): Promise<void> {
    this.#lose()
    this.#worker.terminate()
    const timer = this.#clock.after(endLimitMs, () => this.#gone.resolve())
    await this.#gone.promise
    timer.cancel()
  }

  #hear(message: FromThread): void {
    if (this.#isLost) return
    if (message.kind === 'ready') {
      this.#worker.unref()
      this.#post({ kind: 'flag', cancelled: this.#cancelled.buffer })
      return this.#ready.resolve()
    }
    if (message.kind === 'begun') return this.#work?.begun()
    this.#grace?.cancel()
    const work = this.#work
    this.#work = undefined
    if (work !== undefined) settle(work, message)
    this.#worker.unref()
    this.#events.idle(this)
  }

  #post(message: ToThread): void {
    this.#worker.postMessage(message)
  }

  #lose(): void {
    if (this.#isLost) return
    this.#isLost = true
    this.#grace?.cancel()
    const error = new JobError('INTERNAL_ERROR', 'The script thread ended')
    this.#ready.reject(error)
    this.#work?.failed(error)
    this.#work = undefined
    this.#events.lost(this)
  }
}

function settle(work: Work, answer: ScriptAnswer): void {
  if (answer.kind === 'value') return work.done(answer.json)
  const details: unknown = JSON.parse(answer.details)
  work.failed(errorOf(answer.code, answer.message, details))
}

function errorOf(code: ErrorCode, message: string, details: unknown): JobError {
  return new JobError(code, message, isObject(details) ? { details } : {})
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
