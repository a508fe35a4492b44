/** The folder that holds all blobs, and the way into the folders in it. */
import { lstat, mkdir, realpath, stat } from 'node:fs/promises'
import { JobError } from '../../errors.ts'
import type { Clock } from '../../lib/clock.ts'
import { isErrno } from './file-failure.ts'
import { type Folder, type Holding, openOutermost } from './folder.ts'
import { Way } from './way.ts'

interface BoxOptions {
  readonly path: string
  readonly holding: Holding
  readonly clock: Clock
}

interface Outermost {
  readonly folder: Folder
  readonly device: bigint
  readonly id: bigint
}

/** How long it may take until another folder in the box's place is noticed, such as one made anew or mounted late. */
const trustedMs = 1000

/** Opens folders of the box without ever following a link inside it. */
export class Box implements AsyncDisposable {
  readonly #options: BoxOptions
  #realPath: string | undefined
  #outermost: Outermost | undefined
  #opening: Promise<Outermost> | undefined
  #checkedMs = Number.NEGATIVE_INFINITY
  /** Replaced, but perhaps still in use. */
  readonly #retired: Folder[] = []

  constructor(options: BoxOptions) {
    this.#options = options
  }

  /**
   * Does something in the folder of these segments, which is held meanwhile; `create` makes missing ones, which are
   * removed again when they are empty after a failure. Rejects with the system's error, and with PERMISSION_DENIED where another file system is mounted inside the box.
   */
  async within<T>(segments: readonly string[], create: boolean, run: (folder: Folder) => Promise<T>): Promise<T> {
    const outermost = await this.#usable(create)
    if (segments.length === 0) return run(outermost.folder)
    await using way = new Way(outermost.folder)
    try {
      await way.descend(segments, create)
      if ((await way.folder.identity()).device !== outermost.device) throw isMounted()
      return await run(way.folder)
    } catch (error) {
      await way.undo()
      throw error
    }
  }

  /** Looks at the box's own path again before the next use. */
  distrust(): void {
    this.#checkedMs = Number.NEGATIVE_INFINITY
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#opening?.catch(() => undefined)
    const folders = [...this.#retired, ...(this.#outermost === undefined ? [] : [this.#outermost.folder])]
    this.#outermost = undefined
    for (const folder of folders.splice(0)) await folder[Symbol.asyncDispose]()
  }

  async #usable(create: boolean): Promise<Outermost> {
    try {
      return await this.#open(create)
    } catch (error) {
      throw isErrno(error, 'ENOTDIR', 'EEXIST', 'ELOOP', 'EACCES', 'EPERM') ? isUnusable() : error
    }
  }

  async #open(create: boolean): Promise<Outermost> {
    const isTrusted = this.#options.clock.monotonic() - this.#checkedMs < trustedMs
    if (this.#outermost !== undefined && isTrusted) return this.#outermost
    this.#opening ??= this.#reopen().finally(() => {
      this.#opening = undefined
    })
    try {
      return await this.#opening
    } catch (error) {
      if (!create || !isErrno(error, 'ENOENT')) throw error
    }
    await mkdir(this.#realPath ?? this.#options.path, { recursive: true, mode: 0o700 })
    return this.#open(false)
  }

  async #reopen(): Promise<Outermost> {
    const { path, holding, clock } = this.#options
    this.#realPath ??= await resolved(path)
    const known = this.#outermost
    const { dev, ino } = await stat(this.#realPath, { bigint: true })
    if (known === undefined || known.device !== dev || known.id !== ino) {
      const folder = await openOutermost(this.#realPath, holding)
      const { device, id } = await folder.identity()
      if (this.#outermost !== undefined) this.#retired.push(this.#outermost.folder)
      this.#outermost = { folder, device, id }
    }
    this.#checkedMs = clock.monotonic()
    return this.#outermost ?? this.#reopen()
  }
}

/** The box itself may be a link, but not one that just anybody has put there. */
async function resolved(path: string): Promise<string> {
  const found = await lstat(path)
  const own = process.getuid?.()
  if (found.isSymbolicLink() && own !== undefined && found.uid !== own && found.uid !== 0) {
    throw new JobError('RESOURCE_UNAVAILABLE', 'The folder of the blobs is a link of somebody else', {
      details: { reason: 'foreign_link' },
    })
  }
  return realpath(path)
}

function isUnusable(): JobError {
  return new JobError('RESOURCE_UNAVAILABLE', 'The folder of the blobs cannot be used', {
    details: { reason: 'folder_unusable' },
  })
}

function isMounted(): JobError {
  return new JobError('PERMISSION_DENIED', 'The path leads to another file system', { details: { reason: 'mounted' } })
}
