/** Lines of large files, in pieces that leave the event loop free. */
import type { FileHandle } from 'node:fs/promises'

const chunkBytes = 1_048_576
const newline = 0x0a

/** A whole line without its newline, and where it begins in the file. */
export interface Line {
  readonly at: number
  readonly bytes: Buffer
}

/**
 * The lines of what lies before `end`, last first; one without its newline is left out. Ends early when the file has
 * become shorter meanwhile.
 */
export async function* linesBackwards(file: FileHandle, end: number, signal: AbortSignal): AsyncGenerator<Line> {
  // What was read of the line that begins further ahead, last piece first; undefined before the first newline.
  let pieces: Buffer[] | undefined
  for (let at = end; at > 0; ) {
    signal.throwIfAborted()
    const start = Math.max(0, at - chunkBytes)
    const chunk = await readAt(file, start, at - start)
    if (chunk.length < at - start) return
    let to = chunk.length
    for (let found = chunk.lastIndexOf(newline); found !== -1; found = lastNewlineBefore(chunk, found)) {
      if (pieces !== undefined) yield { at: start + found + 1, bytes: joined(chunk.subarray(found + 1, to), pieces) }
      pieces = []
      to = found
    }
    if (pieces !== undefined) pieces.push(chunk.subarray(0, to))
    at = start
  }
  if (pieces !== undefined) yield { at: 0, bytes: joined(Buffer.alloc(0), pieces) }
}

/** The lines from `start` on, first first; one without its newline is left out. */
export async function* linesForwards(file: FileHandle, start: number, signal: AbortSignal): AsyncGenerator<Line> {
  let begun: Buffer[] = []
  let lineAt = start
  for (let at = start; ; ) {
    signal.throwIfAborted()
    const chunk = await readAt(file, at, chunkBytes)
    if (chunk.length === 0) return
    let from = 0
    for (let found = chunk.indexOf(newline); found !== -1; found = chunk.indexOf(newline, from)) {
      yield { at: lineAt, bytes: Buffer.concat([...begun, chunk.subarray(from, found)]) }
      begun = []
      from = found + 1
      lineAt = at + from
    }
    if (from < chunk.length) begun.push(chunk.subarray(from))
    at += chunk.length
  }
}

async function readAt(file: FileHandle, at: number, bytes: number): Promise<Buffer> {
  const chunk = Buffer.allocUnsafe(bytes)
  let read = 0
  while (read < bytes) {
    const { bytesRead } = await file.read(chunk, read, bytes - read, at + read)
    if (bytesRead === 0) break
    read += bytesRead
  }
  return chunk.subarray(0, read)
}

function lastNewlineBefore(chunk: Buffer, at: number): number {
  return at === 0 ? -1 : chunk.lastIndexOf(newline, at - 1)
}

function joined(first: Buffer, lastFirst: readonly Buffer[]): Buffer {
  return lastFirst.length === 0 ? first : Buffer.concat([first, ...lastFirst.toReversed()])
}
