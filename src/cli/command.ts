import type { Environment } from '../config/load.ts'
import type { Clock } from '../lib/clock.ts'
import type { Ending } from './ending.ts'
import type { Output } from './output.ts'

/** A flag of a command: a switch, or with a value. */
export interface Flag {
  readonly name: string
  /** What stands for the value in usage lines; a flag without it is a switch. */
  readonly value?: string
  readonly summary: string
}

/** One call of a command. */
export interface Invocation {
  /** What is no flag. */
  readonly operands: readonly string[]
  readonly has: (flag: string) => boolean
  readonly value: (flag: string) => string | undefined
  readonly env: Environment
  readonly output: Output
  readonly ending: Ending
  readonly clock: Clock
}

/** One thing the program can be told to do. */
export interface Command {
  readonly name: string
  /** How operands appear in the usage line; empty when there are none. */
  readonly operands: string
  /** One sentence for the list of commands. */
  readonly summary: string
  /** What else there is to know: paragraphs, already broken into lines. */
  readonly details: string
  readonly flags: readonly Flag[]
  /** Lines that can be typed as they are. */
  readonly examples: readonly string[]
  /** Resolves to the exit code. Rejects with UsageError or ConfigError when it was called wrongly. */
  run(invocation: Invocation): Promise<number>
}

/** The program was called wrongly; the message says how. Ends the process with code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}
