/** Scripts as a script thread runs them: one sandbox, loaded when it is first needed, replaced when it is spent. */
import type { Clock } from '../../lib/clock.ts'
import type { JavascriptTask, ScriptAnswer } from '../threads/thread-protocol.ts'
import { Sandbox, type SandboxLimits } from './sandbox.ts'
import { runScript } from './script-run.ts'

interface Surroundings {
  readonly clock: Clock
  /** Asked all the time: the task is no longer wanted. */
  readonly isCancelled: () => boolean
  /** Told when a sandbox had to be loaded first: the task's time counts from then. */
  readonly begun: () => void
}

export class ScriptRunner {
  readonly #surroundings: Surroundings
  #sandbox: Sandbox | undefined
  #loading: Promise<Sandbox> | undefined

  constructor(surroundings: Surroundings) {
    this.#surroundings = surroundings
  }

  /** Runs one script to its end, within `limitMs`. Rejects when no sandbox can be loaded. */
  async run(task: JavascriptTask, limitMs = Number.POSITIVE_INFINITY): Promise<ScriptAnswer> {
    const { clock, isCancelled, begun } = this.#surroundings
    if (this.#sandbox === undefined) {
      this.#sandbox = await this.#load(task)
      begun()
    }
    const endAt = clock.monotonic() + limitMs
    const { answer, isSpent } = runScript(this.#sandbox, task, () => isCancelled() || clock.monotonic() > endAt)
    if (isSpent) this.#replace(task)
    return answer
  }

  async #load(limits: SandboxLimits): Promise<Sandbox> {
    try {
      return await (this.#loading ?? Sandbox.load(limits))
    } finally {
      this.#loading = undefined
    }
  }

  /** Begins at once, so that the next script waits less. */
  #replace(limits: SandboxLimits): void {
    this.#sandbox = undefined
    this.#loading = Sandbox.load(limits)
    // Whoever needs it is told.
    this.#loading.catch(() => undefined)
  }
}
