/** The way from the box into a folder in it. */
import { lstat, rmdir } from 'node:fs/promises'
import { errnoError, isErrno } from './file-failure.ts'
import type { Folder } from './folder.ts'

/** Walks from folder to folder. Holds the one that it is in, and those in which it made others. */
export class Way implements AsyncDisposable {
  readonly #outermost: Folder
  readonly #made: { readonly parent: Folder; readonly name: string }[] = []
  #folder: Folder

  constructor(outermost: Folder) {
    this.#outermost = outermost
    this.#folder = outermost
  }

  /** Where it has come to; as long as the way is not disposed. */
  get folder(): Folder {
    return this.#folder
  }

  /** Goes on into these; `create` makes missing ones. Rejects with the system's error. */
  async descend(segments: readonly string[], create: boolean): Promise<void> {
    for (const name of segments) {
      try {
        await this.#enter(name, create)
      } catch (error) {
        const found = isErrno(error, 'ENOTDIR') ? await lstat(this.#folder.at(name)).catch(() => undefined) : undefined
        throw found?.isSymbolicLink() ? errnoError('ELOOP') : error
      }
    }
  }

  /** Removes the folders that were made on it, as far as nothing is in them. */
  async undo(): Promise<void> {
    try {
      for (const { parent, name } of this.#made.toReversed()) {
        await parent.confirm()
        await rmdir(parent.at(name))
      }
    } catch {
      // Somebody else uses them, or has removed them.
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const held = new Set([...this.#made.map(({ parent }) => parent), this.#folder])
    held.delete(this.#outermost)
    for (const folder of held) await folder[Symbol.asyncDispose]()
  }

  async #enter(name: string, create: boolean): Promise<void> {
    const parent = this.#folder
    try {
      this.#folder = await parent.folder(name, false)
    } catch (error) {
      if (!create || !isErrno(error, 'ENOENT')) throw error
      this.#folder = await parent.folder(name, true)
      this.#made.push({ parent, name })
      return
    }
    if (parent !== this.#outermost && this.#made.at(-1)?.parent !== parent) await parent[Symbol.asyncDispose]()
  }
}
