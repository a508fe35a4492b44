/** Folders that are held while something is done in them, so that nobody can put another one in their place. */
import { constants } from 'node:fs'
import { type FileHandle, lstat, mkdir, open, realpath } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { errnoError, isErrno } from './file-failure.ts'

/** A folder inside the box. Names are single segments, checked before. */
export interface Folder extends AsyncDisposable {
  /** By which path the system finds this name in this very folder, as long as the folder is not disposed. */
  at(name: string): string
  /** A folder in it; `create` makes a missing one. Rejects with the system's error when it is none, or a link. */
  folder(name: string, create: boolean): Promise<Folder>
  /** Rejects, where the system cannot hold folders, when another one stands in this one's place. */
  confirm(): Promise<void>
  /** Has what was done to names in it survive a loss of power, where the system can say so. */
  sync(): Promise<void>
  /** What tells this file system from others, and this folder from others on it. */
  identity(): Promise<{ readonly device: bigint; readonly id: bigint; readonly isRemoved: boolean }>
}

/** How folders are held: by their descriptors, which Linux can look names up in, or by paths that are checked again. */
export type Holding = 'descriptor' | 'path'

/** How this system holds folders. */
export const systemHolding: Holding = process.platform === 'linux' ? 'descriptor' : 'path'

/** What may be missing (0) is missing on Windows. */
const noFollow = constants.O_NOFOLLOW ?? 0
const folderOnly = constants.O_RDONLY | (constants.O_DIRECTORY ?? 0)
const folderMode = 0o700

/** Opens the outermost folder; its path may lead through links. Rejects with the system's error. */
export async function openOutermost(path: string, holding: Holding): Promise<Folder> {
  if (holding === 'descriptor') return new HeldFolder(await open(path, folderOnly))
  const real = await realpath(path)
  if (!(await lstat(real)).isDirectory()) throw notFolder()
  return new NamedFolder(real)
}

function notFolder(): Error {
  return errnoError('ENOTDIR')
}

async function makeFolder(folder: Folder, name: string): Promise<void> {
  try {
    await mkdir(folder.at(name), folderMode)
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error
    return
  }
  await folder.sync()
}

class HeldFolder implements Folder {
  readonly #handle: FileHandle

  constructor(handle: FileHandle) {
    this.#handle = handle
  }

  at(name: string): string {
    return `/proc/self/fd/${this.#handle.fd}/${name}`
  }

  async folder(name: string, create: boolean): Promise<Folder> {
    const flags = folderOnly | noFollow
    try {
      return new HeldFolder(await open(this.at(name), flags))
    } catch (error) {
      if (!create || !isErrno(error, 'ENOENT')) throw error
    }
    await makeFolder(this, name)
    return new HeldFolder(await open(this.at(name), flags))
  }

  async confirm(): Promise<void> {}

  sync(): Promise<void> {
    return this.#handle.sync()
  }

  async identity(): ReturnType<Folder['identity']> {
    const { dev, ino, nlink } = await this.#handle.stat({ bigint: true })
    return { device: dev, id: ino, isRemoved: nlink === 0n }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close()
  }
}

class NamedFolder implements Folder {
  readonly #path: string

  constructor(path: string) {
    this.#path = path
  }

  at(name: string): string {
    return join(this.#path, name)
  }

  async folder(name: string, create: boolean): Promise<Folder> {
    if (create) await makeFolder(this, name)
    const path = this.at(name)
    if (!(await lstat(path)).isDirectory()) throw notFolder()
    // The file system may spell the name in another way.
    const real = await realpath(path)
    if (dirname(real) !== this.#path) throw notFolder()
    return new NamedFolder(real)
  }

  async confirm(): Promise<void> {
    if ((await realpath(this.#path)) !== this.#path) throw notFolder()
  }

  async sync(): Promise<void> {
    try {
      await using handle = await open(this.#path, folderOnly)
      await handle.sync()
    } catch (error) {
      // Windows has no such thing.
      if (process.platform !== 'win32') throw error
    }
  }

  async identity(): ReturnType<Folder['identity']> {
    try {
      const { dev, ino } = await lstat(this.#path, { bigint: true })
      return { device: dev, id: ino, isRemoved: false }
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return { device: 0n, id: 0n, isRemoved: true }
      throw error
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
