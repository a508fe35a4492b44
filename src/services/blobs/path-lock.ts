/** Who may change what is stored under one name: one at a time, in this process and among all that share the folder. */
import { constants } from 'node:fs'
import { lstat, open, readlink, symlink, unlink, writeFile } from 'node:fs/promises'
import { JobError } from '../../errors.ts'
import type { Clock } from '../../lib/clock.ts'
import { isErrno, orMissing } from './file-failure.ts'
import type { Folder } from './folder.ts'
import { lockNames, ownerOf } from './own-names.ts'
import { lifeOf } from './process-mark.ts'
import { WaitingLine } from './waiting-line.ts'

/** A held lock; disposing it, once or more, gives it to others. */
export type Hold = AsyncDisposable

/** What is locked. */
export interface LockedName {
  readonly folder: Folder
  /** The folder's path inside the box. */
  readonly place: string
  /** `nameKey` of the blob's name. */
  readonly key: string
}

/** When a lock is broken whose holder cannot be looked for: it ran on another machine or in another container. */
const leaseMs = 30_000
/** How long a lock is waited for that another process holds. */
const patienceMs = 10_000
const longestPauseMs = 32
/** A mark is the name of a file. */
const longestMark = 255
/** What lies there instead of a mark, such as a pipe, must not hang whoever opens it. What is missing (0) is missing on Windows. */
const readOnly = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)

/**
 * Locks are links that lead nowhere: made in one step, with a text that tells the holder. That text is the name of the
 * temporary file which the holder is about to put in place; whoever breaks a lock removes that file first, so that a
 * holder that was only asleep finds nothing to put in place.
 */
export class PathLocks {
  readonly #clock: Clock
  readonly #line = new WaitingLine()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * Resolves when the lock is held, under the temporary name `token`. Rejects with the signal's reason when it aborts,
   * with RESOURCE_UNAVAILABLE when others keep the lock for too long, and with the system's error.
   */
  async hold(locked: LockedName, token: string, signal: AbortSignal): Promise<Hold> {
    const leave = await this.#line.enter(`${locked.place}/${locked.key}`, signal)
    try {
      await this.#take(locked, token, signal)
    } catch (error) {
      leave()
      throw error
    }
    const sinceMs = this.#clock.monotonic()
    let released: Promise<void> | undefined
    const release = async (): Promise<void> => {
      try {
        const path = locked.folder.at(lockNames(locked.key).lock)
        // After so long a time it may have been broken, and be another's.
        const isSure = this.#clock.monotonic() - sinceMs < leaseMs / 2 || (await readMark(path)) === token
        if (isSure) await orMissing(unlink(path))
      } finally {
        leave()
      }
    }
    return {
      [Symbol.asyncDispose]() {
        released ??= release()
        return released
      },
    }
  }

  /** Removes a lock whose holder is no more; whether there was one. */
  async breakLeft({ folder, key }: Omit<LockedName, 'place'>, token: string): Promise<boolean> {
    const { lock, breaking } = lockNames(key)
    const breaker = await readMark(folder.at(breaking))
    if (await this.#isLeft(folder.at(breaking), breaker)) await orMissing(unlink(folder.at(breaking)))
    const holder = await readMark(folder.at(lock))
    if (holder === undefined || !(await this.#isLeft(folder.at(lock), holder))) return false
    if (!(await makeMark(folder.at(breaking), token))) return false
    try {
      if ((await readMark(folder.at(lock))) !== holder) return false
      if (ownerOf(holder) !== undefined) await orMissing(unlink(folder.at(holder)))
      await orMissing(unlink(folder.at(lock)))
      return true
    } finally {
      await orMissing(unlink(folder.at(breaking)))
    }
  }

  async #take(locked: LockedName, token: string, signal: AbortSignal): Promise<void> {
    const path = locked.folder.at(lockNames(locked.key).lock)
    const untilMs = this.#clock.monotonic() + patienceMs
    for (let pauseMs = 1; !(await makeMark(path, token)); pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
      signal.throwIfAborted()
      if (await this.breakLeft(locked, token)) continue
      if (this.#clock.monotonic() >= untilMs) throw isBusy()
      await this.#clock.sleep(pauseMs * (0.5 + Math.random()), signal)
    }
  }

  async #isLeft(path: string, holder: string | undefined): Promise<boolean> {
    if (holder === undefined) return false
    const life = await lifeOf(ownerOf(holder) ?? '')
    if (life !== 'unknown') return life === 'dead'
    const made = await orMissing(lstat(path))
    return made !== undefined && this.#clock.now() - made.mtimeMs > leaseMs
  }
}

/** Whether it was made; false when there is one. */
async function makeMark(path: string, text: string): Promise<boolean> {
  try {
    await symlink(text, path)
    return true
  } catch (error) {
    if (isErrno(error, 'EEXIST')) return false
    if (!isErrno(error, 'EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP')) throw error
  }
  // Not every file system has links, and Windows keeps them for administrators.
  try {
    await writeFile(path, text, { flag: 'wx', mode: 0o600 })
    return true
  } catch (error) {
    if (isErrno(error, 'EEXIST')) return false
    throw error
  }
}

async function readMark(path: string): Promise<string | undefined> {
  try {
    return await readlink(path)
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined
  }
  try {
    await using file = await open(path, readOnly)
    if (!(await file.stat()).isFile()) return undefined
    const { buffer, bytesRead } = await file.read(Buffer.alloc(longestMark), 0, longestMark, 0)
    return buffer.toString('utf8', 0, bytesRead)
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ELOOP', 'ENXIO', 'EISDIR')) return undefined
    throw error
  }
}

function isBusy(): JobError {
  return new JobError('RESOURCE_UNAVAILABLE', 'Another process has been changing the blob for too long', {
    details: { reason: 'locked' },
  })
}
