/** Going through blobs in the order of their paths. */
import { JobError } from '../../errors.ts'
import { isSafeSegment } from '../../lib/safe-path.ts'
import { infoOf, type Lifetime, openNoted, refuseExpired } from './blob-view.ts'
import type { BlobInfo } from './blobs.ts'
import { isErrno } from './file-failure.ts'
import type { Folder } from './folder.ts'
import { enter, entriesOf } from './inner-folder.ts'

interface ListingOptions {
  /** How the paths begin. */
  readonly prefix: string
  /** Only what comes after this path. */
  readonly after: string
  /** How many are wanted. */
  readonly limit: number
  readonly lifetime: Lifetime
  readonly nowMs: number
  readonly signal: AbortSignal
}

/** Deeper folders hold nothing that a path could name. */
const mostFolders = 31

/** Collects the blobs in a folder and in those in it, until there are enough. */
export class Listing {
  readonly items: BlobInfo[] = []
  readonly #options: ListingOptions

  constructor(options: ListingOptions) {
    this.#options = options
  }

  /** `path` is that of the folder, ending in `/`, or empty. Rejects with the system's error, or the signal's reason. */
  async collect(folder: Folder, path: string): Promise<void> {
    const { device } = await folder.identity()
    await this.#folder(folder, path, device, path.split('/').length - 1)
  }

  get #isFull(): boolean {
    return this.items.length >= this.#options.limit
  }

  async #folder(folder: Folder, path: string, device: bigint, depth: number): Promise<void> {
    for (const { name, isFolder } of await entriesOf(folder)) {
      if (this.#isFull) return
      this.#options.signal.throwIfAborted()
      if (!isSafeSegment(name)) continue
      if (!isFolder) await this.#file(folder, name, path + name)
      else if (depth < mostFolders && this.#mayHold(`${path}${name}/`)) {
        await using inner = await enter(folder, name, device)
        if (inner !== undefined) await this.#folder(inner, `${path}${name}/`, device, depth + 1)
      }
    }
  }

  #mayHold(path: string): boolean {
    const { prefix, after } = this.#options
    return (path.startsWith(prefix) || prefix.startsWith(path)) && (path > after || after.startsWith(path))
  }

  async #file(folder: Folder, name: string, path: string): Promise<void> {
    const { prefix, after, lifetime, nowMs } = this.#options
    if (!path.startsWith(prefix) || path <= after) return
    try {
      await using noted = await openNoted(folder, name)
      const { version } = noted.file
      refuseExpired(version, noted.note, lifetime, nowMs)
      this.items.push(infoOf(path, version, noted.note, lifetime))
    } catch (error) {
      // What is no blob, or is one no more, is not listed.
      const isNone =
        error instanceof JobError || isErrno(error, 'ENOENT', 'ELOOP', 'EISDIR', 'EACCES', 'EPERM', 'ENXIO')
      if (!isNone) throw error
    }
  }
}
