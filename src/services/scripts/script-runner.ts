/** Scripts as a script thread runs them: one interpreter, loaded when it is first needed, replaced when it is spent. */
import type { Clock } from '../../lib/clock.ts'
import type { JavascriptTask, ScriptAnswer } from '../threads/thread-protocol.ts'
import { loadQuickJs, type QuickJs } from './quickjs.ts'
import { runScript } from './script-run.ts'

interface Surroundings {
  readonly clock: Clock
  /** Asked all the time: the task is no longer wanted. */
  readonly isCancelled: () => boolean
  /** Told when an interpreter had to be loaded first: the task's time counts from then. */
  readonly begun: () => void
}

export class ScriptRunner {
  readonly #surroundings: Surroundings
  #quickJs: QuickJs | undefined
  #loading: Promise<QuickJs> | undefined

  constructor(surroundings: Surroundings) {
    this.#surroundings = surroundings
  }

  /** Runs one script to its end, within `limitMs`. Rejects when no interpreter can be loaded. */
  async run(task: JavascriptTask, limitMs = Number.POSITIVE_INFINITY): Promise<ScriptAnswer> {
    const { clock, isCancelled, begun } = this.#surroundings
    if (this.#quickJs === undefined) {
      this.#quickJs = await this.#load(task.memoryBytes)
      begun()
    }
    const endAt = clock.monotonic() + limitMs
    const { answer, isSpent } = runScript(this.#quickJs, task, () => isCancelled() || clock.monotonic() > endAt)
    if (isSpent) this.#replace(task.memoryBytes)
    return answer
  }

  async #load(memoryBytes: number): Promise<QuickJs> {
    try {
      return await (this.#loading ?? loadQuickJs(memoryBytes))
    } finally {
      this.#loading = undefined
    }
  }

  /** Begins at once, so that the next script waits less. */
  #replace(memoryBytes: number): void {
    this.#quickJs = undefined
    this.#loading = loadQuickJs(memoryBytes)
    // Whoever needs it is told.
    this.#loading.catch(() => undefined)
  }
}
