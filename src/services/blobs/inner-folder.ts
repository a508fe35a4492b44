/** Walking through the folders of the box. */
import type { Dirent } from 'node:fs'
import { lstat, readdir } from 'node:fs/promises'
import { isErrno, orMissing } from './file-failure.ts'
import type { Folder } from './folder.ts'

/** One name in a folder. */
export interface Entry {
  readonly name: string
  readonly isFolder: boolean
}

/** All names in a folder, in the order of the paths that they lead to. */
export async function entriesOf(folder: Folder): Promise<readonly Entry[]> {
  const found = await readdir(folder.at('.'), { withFileTypes: true })
  const entries = await Promise.all(found.map((entry) => entryOf(folder, entry)))
  return entries.toSorted((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1))
}

/** A folder in a folder; undefined for one that is gone, no folder, closed to us or of another file system. */
export async function enter(folder: Folder, name: string, device: bigint): Promise<Folder | undefined> {
  try {
    await using opened = new AsyncDisposableStack()
    const inner = opened.use(await folder.folder(name, false))
    if ((await inner.identity()).device !== device) return undefined
    opened.move()
    return inner
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR', 'ELOOP', 'EACCES', 'EPERM')) return undefined
    throw error
  }
}

async function entryOf(folder: Folder, entry: Dirent): Promise<Entry> {
  // Some file systems do not tell kinds with names.
  const isTold = entry.isFile() || entry.isDirectory() || entry.isSymbolicLink()
  const kind = isTold ? entry : await orMissing(lstat(folder.at(entry.name)))
  return { name: entry.name, isFolder: kind?.isDirectory() ?? false }
}

/** The paths in a folder all begin with its name and a slash. */
function sortKey({ name, isFolder }: Entry): string {
  return isFolder ? `${name}/` : name
}
