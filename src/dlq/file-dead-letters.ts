/** Dead letters in two files: what an operator should replay, and, beside it, what was the callers' own fault. */
import { format, parse } from 'node:path'
import { ConfigError } from '../errors.ts'
import { deadLetterLine, isCallersFault } from '../protocol/dead-letter.ts'
import { DeadLetterFile } from './dead-letter-file.ts'
import type { DeadLetters } from './dead-letters.ts'

/** The second file, for the faults of callers: `<name>.rejected.<ext>` beside the first. */
export function rejectedPath(path: string): string {
  const { dir, name, ext } = parse(path)
  return format({ dir, name: `${name}.rejected`, ext })
}

/** Opens the two files, creating what is missing. Throws a ConfigError when one of them cannot be written. */
export async function openDeadLetters({ path }: { readonly path: string }): Promise<DeadLetters> {
  const main = new DeadLetterFile(path)
  const rejected = new DeadLetterFile(rejectedPath(path))
  const problems = (await Promise.all([problemOf(main), problemOf(rejected)])).filter(
    (problem) => problem !== undefined,
  )
  if (problems.length > 0) throw new ConfigError(problems)
  return {
    write: (record) => (isCallersFault(record) ? rejected : main).append(deadLetterLine(record)),
    async [Symbol.asyncDispose]() {
      await main[Symbol.asyncDispose]()
      await rejected[Symbol.asyncDispose]()
    },
  }
}

async function problemOf(file: DeadLetterFile): Promise<string | undefined> {
  try {
    await file.check()
    return undefined
  } catch (error) {
    return `DLQ_PATH: ${error instanceof Error ? error.message : String(error)}`
  }
}
