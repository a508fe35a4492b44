/** Running scripts in tests. */
import { JobError } from '../../../src/errors.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import { openScripts, type Script, type Scripts } from '../../../src/services/scripts/scripts.ts'
import { ScriptThreadPool } from '../../../src/services/threads/script-thread-pool.ts'

/** How a script ended: with a value and its logs, or an error. */
type Ended =
  | { readonly value: unknown; readonly logs: readonly string[] }
  | { readonly code: string; readonly message: string; readonly details: unknown; readonly output?: unknown }

export interface OpenScripts extends AsyncDisposable {
  readonly scripts: Scripts
  /** Runs a script; a failure that is no JobError is thrown. */
  run(code: string, options?: Partial<Script> & { readonly limitMs?: number }): Promise<Ended>
  /** The value of a script that must succeed. */
  value(code: string, args?: Script['args']): Promise<unknown>
}

/** Opens scripts on two threads of their own. */
export function openTestScripts(
  config: Partial<{ memoryBytes: number; stackBytes: number }> = {},
  threads: ScriptThreadPool = new ScriptThreadPool({ size: 2, clock: systemClock }),
): OpenScripts {
  const usual = { timeoutMs: 5000, memoryBytes: 64e6, stackBytes: 512e3 }
  const scripts = openScripts({ threads, clock: systemClock, config: { ...usual, ...config } })
  const { signal } = new AbortController()
  const opened: OpenScripts = {
    scripts,
    async run(code, { limitMs = 60_000, args = {}, captureLogs = false } = {}) {
      try {
        const owner = { tenantId: 'acme', pauseTime: () => undefined, resumeTime: () => limitMs }
        return await scripts.run({ code, args, captureLogs }, { signal, owner })
      } catch (thrown) {
        if (!(thrown instanceof JobError)) throw thrown
        const { message, details, output } = thrown
        return { code: thrown.code, message, details, ...(output === undefined ? {} : { output }) }
      }
    },
    async value(code, args = {}) {
      const ended = await opened.run(code, { args })
      if ('value' in ended) return ended.value
      throw new Error(JSON.stringify(ended))
    },
    [Symbol.asyncDispose]: () => threads[Symbol.asyncDispose](),
  }
  return opened
}
