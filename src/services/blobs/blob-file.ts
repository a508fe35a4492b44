/** Opening what may be a blob: nothing but a plain file that has no other name is one. */
import { constants } from 'node:fs'
import { type FileHandle, lstat, open, readdir, unlink } from 'node:fs/promises'
import { JobError } from '../../errors.ts'
import { errnoError, orMissing } from './file-failure.ts'
import type { Folder } from './folder.ts'
import { ownerOf } from './own-names.ts'

/** One file as the system knows it; a file that is written to, or put in another's place, is another version. */
export interface FileVersion {
  readonly id: bigint
  readonly size: number
  readonly modifiedNs: bigint
  /** When it was last put in place, or changed in any other way. */
  readonly changedNs: bigint
}

/** A blob's file, opened for reading. */
export interface OpenFile extends AsyncDisposable {
  readonly handle: FileHandle
  readonly version: FileVersion
  /** Whether the file has lost its name since: it was removed, or another one stands in its place. */
  isReplaced(): Promise<boolean>
}

/** A pipe must not hang whoever opens it. What is missing (0) is missing on Windows. */
const flags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)

/** How often a file is looked at anew while other processes give names to it. */
const mostLooks = 20

/**
 * Opens the file of this name. Rejects with the system's error, ENOENT for a folder too, and with PERMISSION_DENIED when
 * it is no plain file or has another name elsewhere.
 */
export async function openFile(folder: Folder, name: string): Promise<OpenFile> {
  const handle = await open(folder.at(name), flags)
  try {
    const version = await plainVersion(folder, () => handle.stat({ bigint: true }))
    await folder.confirm()
    if (constants.O_NOFOLLOW === undefined) await refuseOther(folder, name, version)
    return {
      handle,
      version,
      isReplaced: async () => (await handle.stat({ bigint: true })).nlink === 0n,
      [Symbol.asyncDispose]: () => handle.close(),
    }
  } catch (error) {
    await handle.close()
    throw error
  }
}

/** The version of the file of this name, without opening it. Rejects as `openFile` does. */
export function lookAt(folder: Folder, name: string): Promise<FileVersion> {
  return plainVersion(folder, () => lstat(folder.at(name), { bigint: true }))
}

interface Stat {
  readonly ino: bigint
  readonly size: bigint
  readonly mtimeNs: bigint
  readonly ctimeNs: bigint
  readonly nlink: bigint
  isFile(): boolean
  isDirectory(): boolean
  isSymbolicLink(): boolean
}

/** What the system says of a plain file, as its version. */
export function versionOf({ ino, size, mtimeNs, ctimeNs }: Omit<Stat, 'nlink' | `is${string}`>): FileVersion {
  return { id: ino, size: Number(size), modifiedNs: mtimeNs, changedNs: ctimeNs }
}

async function plainVersion(folder: Folder, look: () => Promise<Stat>): Promise<FileVersion> {
  for (let looks = 0; looks < mostLooks; looks++) {
    const stat = await look()
    if (stat.isDirectory()) throw errnoError('EISDIR')
    if (stat.isSymbolicLink()) throw errnoError('ELOOP')
    if (!stat.isFile()) throw refused('not_a_file')
    if (stat.nlink <= 1n) return versionOf(stat)
    // A blob that must not replace another is linked to its place; for a moment it has its temporary name too. Names
    // cannot be counted while others give and take them: the blob has to have none but its own.
    const hasLost = await removeTemporaryNames(folder, stat.ino)
    if (!hasLost && (await look()).nlink === stat.nlink) break
  }
  throw refused('hard_link')
}

/** Takes the temporary names from a file that has its lasting one; whoever put it does the same, or has died. */
async function removeTemporaryNames(folder: Folder, id: bigint): Promise<boolean> {
  let hasLost = false
  for (const name of (await readdir(folder.at('.'))).filter((each) => ownerOf(each) !== undefined)) {
    if ((await orMissing(lstat(folder.at(name), { bigint: true })))?.ino !== id) continue
    await folder.confirm()
    await orMissing(unlink(folder.at(name)))
    hasLost = true
  }
  return hasLost
}

/** Where links are followed in spite of all, the name must still be that of the file. */
async function refuseOther(folder: Folder, name: string, { id }: FileVersion): Promise<void> {
  if ((await lookAt(folder, name)).id !== id) throw errnoError('ELOOP')
}

function refused(reason: string): JobError {
  return new JobError('PERMISSION_DENIED', 'The path does not lead to a blob', { details: { reason } })
}
