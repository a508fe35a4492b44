/** The script threads: a fixed number, started when they are first needed and kept; one task a thread at a time. */
import { JobError } from '../../errors.ts'
import type { Clock } from '../../lib/clock.ts'
import { TenantQueue } from '../../lib/tenant-queue.ts'
import type { Logger } from '../../observe/logger.ts'
import type { Metrics } from '../../observe/metrics.ts'
import { type Loss, RunningThread } from './running-thread.ts'
import type { ScriptTask } from './thread-protocol.ts'
import { type TaskOwner, WaitingTask } from './waiting-task.ts'

/** What a task may cost. */
export interface ScriptLimits {
  /** Ends the task: it rejects with the signal's reason at once, waiting or not. */
  readonly signal: AbortSignal
  /** Without one it has no time limit, and waits with all others that have none. */
  readonly owner?: TaskOwner | undefined
}

/** Runs tasks beside the main thread. Those of one tenant begin in the order in which they were given, tenants in turn. */
export interface ScriptThreads extends AsyncDisposable {
  /**
   * The value as JSON text. Rejects with the task's own error, the signal's reason, TIMEOUT, INTERNAL_ERROR when its
   * thread ended, or RESOURCE_UNAVAILABLE, unsent, when no thread could begin with it.
   */
  run(task: ScriptTask, limits: ScriptLimits): Promise<string>
}

export interface ScriptThreadPoolOptions {
  /** How many threads at most. */
  readonly size: number
  readonly clock: Clock
  readonly log?: Logger
  readonly metrics?: Metrics
  /** The entry file of a thread; tests have their own. */
  readonly entry?: URL
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
  readonly #waiting = new TenantQueue<WaitingTask>()
  #idle: readonly RunningThread[] = []
  /** Starts and terminations go one after another: in quick succession they have crashed the runtime. */
  #turn: Promise<void> = Promise.resolve()
  #starting = 0
  /** Threads that were ended and go on all the same. */
  #undead = 0
  #isClosed = false

  constructor(options: ScriptThreadPoolOptions) {
    this.#options = options
    options.metrics?.observe({
      scriptThreads: () => ({ busy: this.#threads.size - this.#idle.length, idle: this.#idle.length }),
      waitingScriptTasks: () => this.#waiting.size,
    })
  }

  async run(task: ScriptTask, { signal, owner }: ScriptLimits): Promise<string> {
    signal.throwIfAborted()
    if (this.#isClosed) throw closedError()
    const { clock } = this.#options
    const waiting = new WaitingTask({ task, owner, signal, clock, again: (unbegun) => this.#take(unbegun) })
    const abort = (): void => {
      this.#waiting.remove(waiting.tenantId, waiting)
      waiting.abandon(signal.reason)
    }
    signal.addEventListener('abort', abort, { once: true })
    this.#take(waiting)
    try {
      return await waiting.ended
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true
    for (let waiting = this.#waiting.take(); waiting !== undefined; waiting = this.#waiting.take()) {
      waiting.fail(closedError())
    }
    for (const thread of this.#threads) {
      thread.abandon(closedError())
      this.#end(thread)
    }
    await this.#turn
  }

  #take(waiting: WaitingTask): void {
    if (this.#isClosed) return waiting.fail(closedError())
    this.#waiting.push(waiting.tenantId, waiting)
    this.#fill()
  }

  #fill(): void {
    while (this.#waiting.size > 0) {
      const thread = this.#idle.at(-1)
      if (thread === undefined) break
      this.#idle = this.#idle.slice(0, -1)
      this.#waiting.take()?.start(thread)
    }
    if (this.#waiting.size <= this.#starting) return
    if (this.#threads.size + this.#starting < this.#mayHave) this.#start()
    else if (this.#threads.size + this.#starting === 0) this.#failWaiting()
  }

  #start(): void {
    this.#starting++
    this.#inTurn(async () => {
      if (this.#threads.size + this.#starting > this.#mayHave) {
        this.#starting--
        return this.#fill()
      }
      const worker = new Worker(this.#options.entry ?? ownEntry())
      const thread = new RunningThread(worker, this.#options.clock, {
        idle: (idle) => this.#welcome(idle),
        lost: (lost, why, reason) => this.#lost(lost, why, reason),
      })
      const isReady = await thread.ready().then(
        () => true,
        () => false,
      )
      this.#starting--
      if (isReady && !this.#isClosed) {
        this.#threads.add(thread)
        return this.#welcome(thread)
      }
      await this.#terminate(thread)
      if (this.#isClosed || this.#threads.size + this.#starting > 0) return
      // Whoever waits first pays for threads that do not start; else that would be tried for ever.
      this.#waiting.take()?.failUnbegun()
      this.#fill()
    })
  }

  #welcome(thread: RunningThread): void {
    if (!this.#threads.has(thread)) return
    this.#idle = [...this.#idle, thread]
    this.#fill()
  }

  #lost(thread: RunningThread, why: Loss, reason: string | undefined): void {
    if (this.#isClosed || (why !== 'start' && !this.#threads.has(thread))) return
    const { log, metrics } = this.#options
    log?.warn('A script thread was replaced', { context: { reason: why, error: reason } })
    metrics?.scriptThreadReplaced(why)
    this.#end(thread)
  }

  #end(thread: RunningThread): void {
    if (!this.#threads.delete(thread)) return
    this.#idle = this.#idle.filter((other) => other !== thread)
    this.#inTurn(() => this.#terminate(thread))
    if (!this.#isClosed) this.#fill()
  }

  async #terminate(thread: RunningThread): Promise<void> {
    const left = await thread.terminate()
    if (left === undefined) return
    this.#undead++
    if (!this.#isClosed) this.#fill()
    void left.gone.then(() => {
      this.#undead--
      if (!this.#isClosed) this.#fill()
    })
  }

  /** There is no thread, and there may be none. */
  #failWaiting(): void {
    for (let waiting = this.#waiting.take(); waiting !== undefined; waiting = this.#waiting.take())
      waiting.failUnbegun()
  }

  /** How many threads there may be now: as many that do not end are made up for, more take the place of others. */
  get #mayHave(): number {
    const { size } = this.#options
    return Math.max(0, size - Math.max(0, this.#undead - size))
  }

  #inTurn(change: () => Promise<void>): void {
    this.#turn = this.#turn.then(change)
  }
}

function closedError(): JobError {
  return new JobError('RESOURCE_UNAVAILABLE', 'The script threads are closed')
}
