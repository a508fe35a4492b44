/** A file of dead letters and those that were put aside for it: how much of them is kept. */
import { readdir, rename, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../observe/logger.ts'
import { newestTime, oldestTime } from './entry-times.ts'
import { rotatedPath, rotationTime } from './file-names.ts'
import type { Limits } from './limits.ts'
import { statOwn, syncFolder, undefinedIfMissing } from './own-file.ts'

/** A file that was put aside. */
interface RotatedFile {
  readonly path: string
  /** When, in milliseconds since 1970. */
  readonly time: number
  readonly bytes: number
  readonly ino: number
}

interface Options {
  readonly path: string
  readonly limits: Limits
  /** Whether to wait until the disk knows of changed names. */
  readonly fsync: boolean
  readonly clock: Clock
  readonly log: Logger | undefined
  /** Is told of each file that was removed: its number, and how large it was. */
  readonly onRemoved?: (ino: number, bytes: number) => void
}

/** Ages are looked at at least this often, for other processes write here too. */
const longestUnlookedMs = 3_600_000

/** Keeps a file and its rotated ones within their limits. Whatever changes something is called with the lock held. */
export class RotatedFiles {
  readonly path: string
  readonly limits: Limits
  readonly #options: Options
  #ageDueMs = 0

  constructor(options: Options) {
    this.path = options.path
    this.limits = options.limits
    this.#options = options
  }

  /** The paths of all files, newest first. */
  async paths(): Promise<readonly string[]> {
    return [this.path, ...(await this.#rotated()).map(({ path }) => path).toReversed()]
  }

  /** Of all files, in bytes. */
  async bytes(): Promise<number> {
    const files = await this.#rotated()
    return files.reduce((sum, { bytes }) => sum + bytes, await this.#activeBytes())
  }

  /** Lets so many bytes be written to the file: puts it aside, and removes old ones, as the limits say. */
  async makeRoom(bytes: number, totalBytes = this.limits.totalBytes): Promise<void> {
    if (this.#options.clock.now() >= this.#ageDueMs) await this.removeAged()
    let active = await this.#activeBytes()
    if (active > 0 && active + bytes > this.limits.rotateBytes) {
      await this.#rotate()
      active = 0
    }
    const files = await this.#rotated()
    let total = files.reduce((sum, file) => sum + file.bytes, active + bytes)
    for (const [n, file] of files.entries()) {
      const isOneTooMany = files.length - n > this.limits.rotations
      if (!isOneTooMany && total <= totalBytes) return
      await this.#remove(file, isOneTooMany ? 'too many files' : 'too many bytes')
      total -= file.bytes
    }
  }

  /** Removes files whose newest entry is too old; puts the file aside when its oldest is. */
  async removeAged(): Promise<void> {
    const { ageMs } = this.limits
    if (ageMs === undefined) return
    const now = this.#options.clock.now()
    const oldest = await oldestTime(this.path)
    if (oldest !== undefined && oldest + ageMs <= now) await this.#rotate()
    let due = now + Math.min(ageMs, longestUnlookedMs)
    for (const file of await this.#rotated()) {
      const newest = await newestTime(file.path)
      if (newest === undefined) continue
      if (newest + ageMs <= now) await this.#remove(file, 'too old')
      else due = Math.min(due, newest + ageMs)
    }
    this.#ageDueMs = due
  }

  async #rotate(): Promise<void> {
    const latest = (await this.#rotated()).at(-1)?.time ?? 0
    await rename(this.path, rotatedPath(this.path, this.#options.clock.now(), latest))
    if (this.#options.fsync) await syncFolder(this.path)
  }

  async #remove({ path, bytes, ino }: RotatedFile, why: string): Promise<void> {
    await unlink(path).catch(undefinedIfMissing)
    this.#options.onRemoved?.(ino, bytes)
    this.#options.log?.warn('Old dead letters were removed', { context: { path, bytes, why } })
  }

  async #activeBytes(): Promise<number> {
    return (await statOwn(this.path))?.size ?? 0
  }

  /** Oldest first. What somebody else put there is left alone. */
  async #rotated(): Promise<readonly RotatedFile[]> {
    const [folder, base] = [dirname(this.path), basename(this.path)]
    const names = (await readdir(folder).catch(undefinedIfMissing)) ?? []
    const found = names.flatMap((name) => {
      const time = rotationTime(base, name)
      return time === undefined ? [] : [{ path: join(folder, name), time }]
    })
    const stats = await Promise.all(found.map(({ path }) => statOwn(path)))
    return found
      .flatMap((file, n) => (stats[n] === undefined ? [] : [{ ...file, bytes: stats[n].size, ino: stats[n].ino }]))
      .toSorted((a, b) => a.time - b.time)
  }
}
