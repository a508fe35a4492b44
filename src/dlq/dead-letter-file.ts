/** A file of JSON lines that only ever grows, and that other processes may be writing to as well. */
import { constants } from 'node:fs'
import { type FileHandle, mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'

// Read access is needed to see how the file ends. Windows knows no O_NOFOLLOW.
const flags = constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0)

interface Waiting {
  readonly line: string
  readonly resolve: () => void
  readonly reject: (reason: Error) => void
}

/** Appends lines to a file of ours. The file is opened anew for each burst, so that it may be moved or removed meanwhile. */
export class DeadLetterFile implements AsyncDisposable {
  readonly #path: string
  #waiting: Waiting[] = []
  #writing: Promise<void> | undefined

  constructor(path: string) {
    this.#path = path
  }

  /** Creates the file, and its folder, when missing. Rejects when lines could not be appended. */
  async check(): Promise<void> {
    await using file = await this.#open()
    await endsTorn(file)
  }

  /**
   * Appends a line (its newline included) in one write. Resolves when the system has it; rejects when it could not be
   * written whole, in which case what was written of it is closed off by the next append.
   */
  append(line: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ line, resolve, reject })
      this.#writing ??= this.#writeAll()
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writing
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const burst = this.#waiting
      this.#waiting = []
      await this.#writeBurst(burst)
    }
    this.#writing = undefined
  }

  async #writeBurst(burst: readonly Waiting[]): Promise<void> {
    let written = 0
    try {
      await using file = await this.#open()
      let torn = await endsTorn(file)
      for (const { line, resolve } of burst) {
        await writeWhole(file, torn ? `\n${line}` : line)
        torn = false
        written += 1
        resolve()
      }
    } catch (cause) {
      const error = new Error(`cannot write to ${this.#path}`, { cause })
      for (const { reject } of burst.slice(written)) reject(error)
    }
  }

  async #open(): Promise<FileHandle> {
    const file = await openOrCreate(this.#path)
    try {
      await refuseForeign(file, this.#path)
      return file
    } catch (error) {
      await file.close()
      throw error
    }
  }
}

async function openOrCreate(path: string): Promise<FileHandle> {
  try {
    return await open(path, flags, 0o600)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    return open(path, flags, 0o600)
  }
}

/** Whoever owns the file could read every payload in it, or take them away. */
async function refuseForeign(file: FileHandle, path: string): Promise<void> {
  const stat = await file.stat()
  if (!stat.isFile()) throw new Error(`${path} is not a regular file`)
  const own = process.getuid?.()
  if (own === undefined) return
  if (stat.uid !== own) throw new Error(`${path} belongs to somebody else`)
  if ((stat.mode & 0o077) !== 0) await file.chmod(0o600)
}

/** Whether the last line lacks its newline: a crash, or a full disk, cut it short. */
async function endsTorn(file: FileHandle): Promise<boolean> {
  const { size } = await file.stat()
  if (size === 0) return false
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, size - 1)
  return buffer[0] !== 0x0a
}

async function writeWhole(file: FileHandle, line: string): Promise<void> {
  const bytes = Buffer.from(line)
  const { bytesWritten } = await file.write(bytes)
  if (bytesWritten < bytes.length) throw new Error(`only ${bytesWritten} of ${bytes.length} bytes were written`)
}
