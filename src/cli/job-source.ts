import { constants } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { UsageError } from './command.ts'

/** The operand of `run` and `submit` as a stream: a file, or `-` for standard input. Rejects with UsageError when it cannot be read. */
export async function openJobs(command: string, operands: readonly string[]): Promise<ReadableStream<Uint8Array>> {
  const [path, ...surplus] = operands
  if (path === undefined) throw new UsageError(`${command} needs a file of jobs, or - for standard input`)
  if (surplus.length > 0) throw new UsageError(`${command} takes one file`)
  if (path === '-') return Bun.stdin.stream()
  try {
    await access(path, constants.R_OK)
    if (!(await stat(path)).isDirectory()) return Bun.file(path).stream()
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown reason'
    throw new UsageError(
      `cannot read ${path}: ${{ ENOENT: 'there is no such file', EACCES: 'not permitted' }[code] ?? code}`,
    )
  }
  throw new UsageError(`cannot read ${path}: it is a folder`)
}
