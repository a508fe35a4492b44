/** Appends lines to a file, which other processes may be writing to as well, and which is put aside when it is full. */
import type { Stats } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { openOwn, syncFolder } from './own-file.ts'
import type { ProcessLock } from './process-lock.ts'
import type { RotatedFiles } from './rotated-files.ts'

/** The most that is written at once, and while the lock is held, in bytes; a longer line is written by itself. */
const groupBytes = 1_048_576
const burstBytes = 4 * groupBytes

interface Waiting {
  readonly line: Buffer
  readonly signal: AbortSignal | undefined
  readonly resolve: () => void
  readonly reject: (reason: unknown) => void
}

interface Options {
  readonly files: RotatedFiles
  readonly lock: ProcessLock
  /** Whether to wait for the disk. */
  readonly fsync: boolean
  /** How many bytes the file and its rotated ones may have together at the moment. */
  readonly totalBytes: () => Promise<number>
  /** Is told of what was written, and to the file of which number. */
  readonly onWritten: (ino: number, bytes: number, lines: number) => void
}

/** Appends lines. The file is opened anew for each burst, so that it may be moved or removed meanwhile. */
export class DeadLetterFile implements AsyncDisposable {
  readonly #options: Options
  #waiting: Waiting[] = []
  #writing: Promise<void> | undefined

  constructor(options: Options) {
    this.#options = options
  }

  /**
   * Appends a line (its newline included) in one write. Resolves when the system has it, or the disk, where that is
   * waited for. Rejects when it was not written; what was written of it is taken back, or closed off by the next append.
   */
  append(line: Buffer, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ line, signal, resolve, reject })
      this.#writing ??= this.#writeAll()
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writing
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) await this.#writeBurst(this.#nextBurst())
    this.#writing = undefined
  }

  #nextBurst(): readonly Waiting[] {
    const burst = this.#waiting.splice(0, fitting(this.#waiting, burstBytes))
    for (const { signal, reject } of burst) if (signal?.aborted) reject(signal.reason)
    return burst.filter(({ signal }) => !signal?.aborted)
  }

  async #writeBurst(burst: readonly Waiting[]): Promise<void> {
    let left = burst
    try {
      await this.#options.lock.hold(async () => {
        while (left.length > 0) {
          const group = left.slice(0, fitting(left, groupBytes))
          await this.#writeGroup(group.map(({ line }) => line))
          left = left.slice(group.length)
          for (const { resolve } of group) resolve()
        }
      })
    } catch (cause) {
      const error = new Error(`cannot write to ${this.#options.files.path}`, { cause })
      for (const { reject } of left) reject(error)
    }
  }

  async #writeGroup(lines: readonly Buffer[]): Promise<void> {
    const { files, fsync, totalBytes, onWritten } = this.#options
    const bytes = lines.reduce((sum, line) => sum + line.length, 0)
    // One more, to close a line that a crash cut short.
    await files.makeRoom(bytes + 1, await totalBytes())
    await using file = await openOwn(files.path, 'append')
    const { ino, size } = await appendWhole(file, lines, fsync)
    if (fsync && size === 0) await syncFolder(files.path)
    onWritten(ino, bytes, lines.length)
  }
}

/**
 * Appends lines, all or none, after closing what a crash cut short; the caller has the lock. Resolves with what the file
 * was before.
 */
export async function appendWhole(file: FileHandle, lines: readonly Buffer[], fsync: boolean): Promise<Stats> {
  const stat = await file.stat()
  const { size } = stat
  const bytes = Buffer.concat((await endsTorn(file, size)) ? [Buffer.from('\n'), ...lines] : lines)
  try {
    const { bytesWritten } = await file.write(bytes)
    if (bytesWritten < bytes.length) throw new Error(`only ${bytesWritten} of ${bytes.length} bytes were written`)
    if (fsync) await file.datasync()
    return stat
  } catch (error) {
    await file.truncate(size).catch(() => undefined)
    throw error
  }
}

/** Whether the last line lacks its newline: a crash, or a full disk, cut it short. */
async function endsTorn(file: FileHandle, size: number): Promise<boolean> {
  if (size === 0) return false
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, size - 1)
  return buffer[0] !== 0x0a
}

/** How many of those that wait fit into so many bytes; at least one. */
function fitting(waiting: readonly Waiting[], bytes: number): number {
  let sum = 0
  const end = waiting.findIndex(({ line }) => {
    sum += line.length
    return sum > bytes
  })
  return end === -1 ? waiting.length : Math.max(1, end)
}
