/** Scripts as a script thread runs them: in one sandbox, loaded when it is first needed, and anew when it is spent. */
import type { JavascriptTask, ScriptAnswer } from '../threads/thread-protocol.ts'
import { Sandbox, type SandboxLimits } from './sandbox.ts'
import { runScript } from './script-run.ts'

export class ScriptRunner {
  /** Asked all the time: the script is no longer wanted. */
  readonly #isCancelled: () => boolean
  #sandbox: Sandbox | undefined

  constructor(isCancelled: () => boolean) {
    this.#isCancelled = isCancelled
  }

  get isLoaded(): boolean {
    return this.#sandbox !== undefined
  }

  /** Loads a sandbox where there is none. Rejects when that cannot be done. */
  async load(limits: SandboxLimits): Promise<void> {
    this.#sandbox ??= await Sandbox.load(limits)
  }

  /** Runs one script to its end. Throws unless a sandbox is loaded, which it may use up. */
  run(task: JavascriptTask): ScriptAnswer {
    if (this.#sandbox === undefined) throw new Error('No sandbox is loaded')
    const { answer, isSpent } = runScript(this.#sandbox, task, this.#isCancelled)
    if (isSpent) this.#sandbox = undefined
    return answer
  }
}
