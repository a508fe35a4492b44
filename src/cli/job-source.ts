import { fstatSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { UsageError } from './command.ts'

/** How much is asked for at a time, in bytes. */
const chunkBytes = 256 * 1024

/** The operand of `run` and `submit` as a stream: a file, or `-` for standard input. Rejects with UsageError when it cannot be read. */
export async function openJobs(command: string, operands: readonly string[]): Promise<ReadableStream<Uint8Array>> {
  const [path, ...surplus] = operands
  if (path === undefined) throw new UsageError(`${command} needs a file of jobs, or - for standard input`)
  if (surplus.length > 0) throw new UsageError(`${command} takes one file`)
  if (path === '-') return standardInput()
  try {
    const file = await open(path)
    if (!(await file.stat()).isDirectory()) return chunksOf(file)
    await file.close()
  } catch (error) {
    throw new UsageError(`cannot read ${path}: ${readProblem(error)}`)
  }
  throw new UsageError(`cannot read ${path}: it is a folder`)
}

/** Why something cannot be read, in a few words. */
export function readProblem(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown reason'
  const words = { ENOENT: 'there is no such file', EACCES: 'not permitted', EISDIR: 'it is a folder' } as const
  return { ...words }[code] ?? code
}

function standardInput(): ReadableStream<Uint8Array> {
  if (fstatSync(0).isDirectory()) throw new UsageError('cannot read standard input: it is a folder')
  return Bun.stdin.stream()
}

type OpenFile = Awaited<ReturnType<typeof open>>

/** Bun's own stream of a file waits with epoll, which devices such as /dev/null do not have. */
function chunksOf(file: OpenFile): ReadableStream<Uint8Array> {
  return new ReadableStream({
    async pull(controller) {
      const { bytesRead, buffer } = await file.read(new Uint8Array(chunkBytes))
      if (bytesRead > 0) return controller.enqueue(buffer.subarray(0, bytesRead))
      await file.close()
      controller.close()
    },
    cancel: () => file.close(),
  })
}
