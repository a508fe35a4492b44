/** The script threads: a fixed number, started when they are first needed and kept; one task a thread at a time. */
import { JobError } from '../../errors.ts'
import type { Clock, Timer } from '../../lib/clock.ts'
import { RunningThread } from './running-thread.ts'
import type { ScriptTask } from './thread-protocol.ts'

/** What a task may cost. */
export interface ScriptLimits {
  /** Ends the task: it rejects with the signal's reason at once, waiting or not. */
  readonly signal: AbortSignal
  /**
   * Called when a thread starts on it, once more when the thread had to load something first: the milliseconds it has
   * from then. More is TIMEOUT.
   */
  readonly onStart?: () => number
}

/** Runs tasks beside the main thread, in the order in which they were given. */
export interface ScriptThreads extends AsyncDisposable {
  /** The value as JSON text. Rejects with the task's own error, the signal's reason, TIMEOUT, or INTERNAL_ERROR when its thread ended. */
  run(task: ScriptTask, limits: ScriptLimits): Promise<string>
}

export interface ScriptThreadPoolOptions {
  /** How many threads at most. */
  readonly size: number
  readonly clock: Clock
  /** The entry file of a thread; tests have their own. */
  readonly entry?: URL
}

/** A task in the queue. */
interface Waiting {
  readonly start: (thread: RunningThread) => void
  readonly fail: (reason: unknown) => void
}

/** The entry file beside this one; in an executable all of `src/` is one file, and the entry has its path from the root. */
function ownEntry(): URL {
  const isSource = import.meta.path.endsWith('script-thread-pool.ts')
  return new URL(isSource ? './script-thread.ts' : './src/services/threads/script-thread.ts', import.meta.url)
}

/** See ScriptThreads. A thread that was ended is replaced when the next task needs it. */
export class ScriptThreadPool implements ScriptThreads {
  readonly #options: ScriptThreadPoolOptions
  readonly #threads = new Set<RunningThread>()
  #idle: readonly RunningThread[] = []
  #waiting: readonly Waiting[] = []
  /** Starts and terminations go one after another: in quick succession they have crashed the runtime. */
  #turn: Promise<void> = Promise.resolve()
  #starting = 0
  #isClosed = false

  constructor(options: ScriptThreadPoolOptions) {
    this.#options = options
  }

  async run(task: ScriptTask, { signal, onStart }: ScriptLimits): Promise<string> {
    signal.throwIfAborted()
    if (this.#isClosed) throw closedError()
    const { promise, resolve, reject } = Promise.withResolvers<string>()
    let running: RunningThread | undefined
    let timer: Timer | undefined
    const waiting: Waiting = {
      fail: reject,
      start: (thread) => {
        running = thread
        const begun = (): number | undefined => {
          const limitMs = onStart?.()
          timer?.cancel()
          if (limitMs !== undefined) timer = this.#options.clock.after(limitMs, () => thread.abandon(timeoutError()))
          return limitMs
        }
        thread.run(task, { limitMs: begun(), begun }).then(resolve, reject)
      },
    }
    const abort = (): void => {
      if (running !== undefined) return running.abandon(signal.reason)
      this.#waiting = this.#waiting.filter((other) => other !== waiting)
      reject(signal.reason)
    }
    signal.addEventListener('abort', abort, { once: true })
    this.#waiting = [...this.#waiting, waiting]
    this.#fill()
    try {
      return await promise
    } finally {
      timer?.cancel()
      signal.removeEventListener('abort', abort)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true
    for (const { fail } of this.#waiting) fail(closedError())
    this.#waiting = []
    for (const thread of this.#threads) {
      thread.abandon(closedError())
      this.#end(thread)
    }
    await this.#turn
  }

  #fill(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      const thread = this.#idle.at(-1)
      if (thread === undefined) break
      this.#idle = this.#idle.slice(0, -1)
      this.#waiting = this.#waiting.slice(1)
      next.start(thread)
    }
    if (this.#waiting.length <= this.#starting) return
    if (this.#threads.size + this.#starting < this.#options.size) this.#start()
  }

  #start(): void {
    this.#starting++
    this.#inTurn(async () => {
      const worker = new Worker(this.#options.entry ?? ownEntry())
      const thread = new RunningThread(worker, this.#options.clock, {
        idle: (idle) => this.#welcome(idle),
        lost: (lost) => this.#end(lost),
      })
      try {
        await thread.ready()
        this.#threads.add(thread)
      } catch (reason) {
        // Whoever waits first pays for a thread that did not start; else it would be tried for ever.
        this.#waiting[0]?.fail(reason)
        this.#waiting = this.#waiting.slice(1)
        await thread.terminate()
      }
      this.#starting--
      if (this.#isClosed) this.#end(thread)
      else if (this.#threads.has(thread)) this.#welcome(thread)
      else this.#fill()
    })
  }

  #welcome(thread: RunningThread): void {
    this.#idle = [...this.#idle, thread]
    this.#fill()
  }

  #end(thread: RunningThread): void {
    if (!this.#threads.delete(thread)) return
    this.#idle = this.#idle.filter((other) => other !== thread)
    this.#inTurn(() => thread.terminate())
    if (!this.#isClosed) this.#fill()
  }

  #inTurn(change: () => Promise<void>): void {
    this.#turn = this.#turn.then(change)
  }
}

function timeoutError(): JobError {
  return new JobError('TIMEOUT', 'The script ran out of time')
}

function closedError(): JobError {
  return new JobError('RESOURCE_UNAVAILABLE', 'The script threads are closed')
}
