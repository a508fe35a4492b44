/** Scripts as a service: JavaScript that computes and can do nothing else, on the script threads. */
import { JobError } from '../../errors.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Json } from '../jmespath/json-value.ts'
import { writeJson } from '../jmespath/json-writer.ts'
import type { ScriptLimits, ScriptThreads } from '../threads/script-thread-pool.ts'

/** What is to be run. */
export interface Script {
  readonly code: string
  /** Plain JSON data. */
  readonly args: Readonly<Record<string, unknown>>
  readonly captureLogs: boolean
}

/** What a script came to. */
interface ScriptOutcome {
  /** Undefined when there is no output. */
  readonly value: unknown
  /** The lines that it logged; empty unless they were asked for. */
  readonly logs: readonly string[]
}

/** Runs scripts, each in an interpreter of its own that reaches nothing of this process. */
export interface Scripts extends AsyncDisposable {
  /** How long a script may take that says nothing about it, in milliseconds. */
  readonly timeoutMs: number
  /**
   * Runs a script to its end. Rejects with SCRIPT_ERROR (`name`, `message`, `line`, `column` of what it threw in the
   * details, or `what` and `path` of what cannot be written as JSON), SCRIPT_LIMIT_EXCEEDED (`limit`: memory, stack or
   * output), TIMEOUT, or the signal's reason.
   */
  run(script: Script, limits: ScriptLimits): Promise<ScriptOutcome>
}

interface ScriptsOptions {
  readonly threads: ScriptThreads
  readonly clock: Clock
  readonly config: {
    readonly timeoutMs: number
    readonly memoryBytes: number
    readonly stackBytes: number
  }
}

/** The share of the memory that code and arguments may take each, in characters of up to three bytes. */
const inputShare = 1 / 16

/** What can be written as a variable's name, but for reserved words. */
const identifier = /^[$_\p{ID_Start}](?:[$\p{ID_Continue}]|\u200c|\u200d)*$/u

/** Opens the service. The threads stay the caller's to close. */
export function openScripts({ threads, clock, config }: ScriptsOptions): Scripts {
  const { timeoutMs, memoryBytes, stackBytes } = config
  const longestInput = memoryBytes * inputShare
  return {
    timeoutMs,
    async run({ code, args, captureLogs }, limits) {
      const { signal, owner } = limits
      // Writing down the arguments may take its time too.
      owner?.pauseTime()
      if (code.length > longestInput) throw tooLarge()
      const text = await textOf(args, signal)
      const names = JSON.stringify(Object.keys(args).filter((name) => identifier.test(name)))
      const task = { kind: 'javascript', code, args: text, names, captureLogs, memoryBytes, stackBytes } as const
      // A script thread writes it so.
      const { value, logs } = JSON.parse(await threads.run(task, limits)) as ScriptOutcome
      return { value, logs }
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  }

  async function textOf(args: Script['args'], signal: AbortSignal): Promise<string> {
    try {
      // Callers hand in plain JSON data, as the contract says.
      return await writeJson(args as Json, longestInput, { clock, signal })
    } catch (thrown) {
      throw thrown instanceof JobError && thrown.code === 'SCRIPT_LIMIT_EXCEEDED' ? tooLarge() : thrown
    }
  }
}

function tooLarge(): JobError {
  return new JobError('SCRIPT_LIMIT_EXCEEDED', 'The script went over a limit', { details: { limit: 'memory' } })
}
