/** One script thread, seen from the pool: what it does, and that it has ended. */
import { type ErrorCode, JobError } from '../../errors.ts'
import type { Clock, Timer } from '../../lib/clock.ts'
import {
  type FromThread,
  flagAt,
  flagBytes,
  type ScriptAnswer,
  type ScriptTask,
  type ToThread,
} from './thread-protocol.ts'

/**
 * Why a thread is of no use any more: it did not start, could not load what its task needed, ended by itself, or went on
 * with what nobody wanted any more.
 */
export type Loss = 'start' | 'load' | 'crash' | 'stuck'

/** What happens to a thread that its pool must know. */
interface Events {
  /** It has ended, or will not answer: it must be terminated and replaced. Told once. */
  lost(thread: RunningThread, why: Loss, reason?: string): void
  /** It can take a task. */
  idle(thread: RunningThread): void
}

/** Rejects a task that its thread never began with: another thread may have it. */
export class NeverBegun extends Error {}

/** How long a thread may take to start, and to load what a task needs, in milliseconds. */
const loadLimitMs = 10_000

/** How long it takes to see that a thread has begun with its task, in milliseconds: at first, and at most. */
const firstLookMs = 5
const lastLookMs = 10

/**
 * How long a thread may go on with what nobody wants any more, in milliseconds, before it is ended. It ends by itself within
 * a few, but on a busy machine it may have to wait for a processor; and replacing it takes longer still.
 */
const graceMs = 200

/** How long a terminated thread may take to be gone, in milliseconds, before that is no longer waited for. */
const endLimitMs = 2000

interface Work {
  readonly begun: () => void
  readonly done: (json: string) => void
  readonly failed: (reason: unknown) => void
}

export class RunningThread {
  readonly #worker: Worker
  readonly #clock: Clock
  readonly #events: Events
  readonly #flags = new Int32Array(new SharedArrayBuffer(flagBytes))
  readonly #ready = Promise.withResolvers<void>()
  readonly #gone = Promise.withResolvers<void>()
  #isStarted = false
  #isLost = false
  #work: Work | undefined
  /** For the next thing that it has to do. */
  #limit: Timer | undefined

  constructor(worker: Worker, clock: Clock, events: Events) {
    this.#worker = worker
    this.#clock = clock
    this.#events = events
    // What a thread of ours sends is what its protocol says.
    worker.addEventListener('message', ({ data }) => this.#hear(data as FromThread))
    // Once it has been given tasks, the message might show some of one.
    worker.addEventListener('error', ({ message }) => this.#lose('crash', this.#isStarted ? undefined : message))
    worker.addEventListener('close', () => {
      this.#gone.resolve()
      this.#lose('crash')
    })
    this.#expectWithin(loadLimitMs, 'start')
  }

  /** Resolves when it can take its first task; rejects when it does not come to that. */
  ready(): Promise<void> {
    return this.#ready.promise
  }

  /**
   * The value of a task as JSON text. One at a time. The process stays alive for it. `begun` is called when the thread
   * has begun with it, unless it has ended by then. Rejects with NeverBegun when it does not come to that.
   */
  run(task: ScriptTask, begun: () => void): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>()
    this.#work = { begun, done: resolve, failed: reject }
    this.#flags.fill(0)
    this.#worker.ref()
    this.#post(task)
    this.#lookAfter(firstLookMs, this.#clock.monotonic() + loadLimitMs)
    return promise
  }

  /**
   * The task is no longer wanted: its promise rejects at once. The thread has a short grace to end it by itself, unless it
   * has not begun with it: then it goes on loading, for the next one.
   */
  abandon(reason: unknown): void {
    const work = this.#work
    if (work === undefined) return
    this.#work = undefined
    Atomics.store(this.#flags, flagAt.cancelled, 1)
    if (this.#hasBegun) this.#expectWithin(graceMs, 'stuck')
    work.failed(reason)
  }

  /**
   * Ends it, whatever it does. Resolves when it is gone, or with a promise of that when it goes on for longer than is waited
   * for: what the runtime does in one piece it cannot end.
   */
  async terminate(): Promise<{ readonly gone: Promise<void> } | undefined> {
    this.#lose('crash')
    this.#worker.terminate()
    const waited = Promise.withResolvers<void>()
    const timer = this.#clock.after(endLimitMs, () => waited.resolve())
    const gone = this.#gone.promise
    const isGone = await Promise.race([gone.then(() => true), waited.promise.then(() => false)])
    timer.cancel()
    return isGone ? undefined : { gone }
  }

  #hear(message: FromThread): void {
    if (this.#isLost) return
    this.#limit?.cancel()
    switch (message.kind) {
      case 'ready':
        return this.#isStarted ? this.#events.idle(this) : this.#start()
      case 'unable':
        return this.#lose('load', message.reason)
      default:
        return this.#end(message, message.isReady)
    }
  }

  #start(): void {
    this.#isStarted = true
    this.#worker.unref()
    this.#post({ kind: 'flags', flags: this.#flags.buffer })
    this.#ready.resolve()
  }

  #end(answer: ScriptAnswer, isReady: boolean): void {
    const work = this.#work
    this.#work = undefined
    if (work !== undefined) settle(work, answer)
    this.#worker.unref()
    if (isReady) this.#events.idle(this)
    else this.#expectWithin(loadLimitMs, 'load')
  }

  get #hasBegun(): boolean {
    return Atomics.load(this.#flags, flagAt.begun) !== 0
  }

  /** Looks whether it has begun, again and again until `giveUpAt`. Most tasks have ended before the first time. */
  #lookAfter(ms: number, giveUpAt: number): void {
    this.#limit?.cancel()
    this.#limit = this.#clock.after(ms, () => {
      if (this.#hasBegun) return this.#begun()
      if (this.#clock.monotonic() >= giveUpAt) return this.#lose('load')
      this.#lookAfter(Math.min(2 * ms, lastLookMs), giveUpAt)
    })
  }

  #begun(): void {
    if (this.#work === undefined) return this.#expectWithin(graceMs, 'stuck')
    this.#work.begun()
  }

  #expectWithin(ms: number, orElse: Loss): void {
    this.#limit?.cancel()
    this.#limit = this.#clock.after(ms, () => this.#lose(orElse))
  }

  #post(message: ToThread): void {
    this.#worker.postMessage(message)
  }

  #lose(why: Loss, reason?: string): void {
    if (this.#isLost) return
    this.#isLost = true
    this.#limit?.cancel()
    this.#ready.reject(new NeverBegun())
    this.#work?.failed(this.#hasBegun ? new JobError('INTERNAL_ERROR', 'The script thread ended') : new NeverBegun())
    this.#work = undefined
    this.#events.lost(this, this.#isStarted ? why : 'start', reason)
  }
}

function settle(work: Work, answer: ScriptAnswer): void {
  if (answer.kind === 'value') return work.done(answer.json)
  const details: unknown = JSON.parse(answer.details)
  const output: unknown = answer.output === undefined ? undefined : JSON.parse(answer.output)
  work.failed(errorOf(answer.code, answer.message, details, output))
}

function errorOf(code: ErrorCode, message: string, details: unknown, output: unknown): JobError {
  return new JobError(code, message, { output, ...(isObject(details) ? { details } : {}) })
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
