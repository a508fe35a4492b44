/** Files of ours: for our eyes only, never reached through a link, never somebody else's. */
import { constants, type Stats } from 'node:fs'
import { type FileHandle, lstat, mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'

// Windows knows neither. Without O_NONBLOCK, opening a pipe would wait for its other end.
const careful = (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)

const flagsFor = {
  /** Makes it when it is missing. Read access is needed to see how it ends. */
  append: constants.O_RDWR | constants.O_APPEND | constants.O_CREAT,
  read: constants.O_RDONLY,
  change: constants.O_RDWR,
  /** It must not be there yet. */
  make: constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL,
} as const

/** Opens a file of mode 0600; to append, makes it and its folder when missing. Rejects when it is a link, no file, or not ours. */
export async function openOwn(path: string, access: keyof typeof flagsFor): Promise<FileHandle> {
  const flags = flagsFor[access] | careful
  const file = await open(path, flags, 0o600).catch(async (error: unknown) => {
    if (access !== 'append' || !isMissing(error)) throw error
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    return open(path, flags, 0o600)
  })
  try {
    const stat = await file.stat()
    refuseForeign(stat, path)
    if (process.getuid !== undefined && (stat.mode & 0o077) !== 0) await file.chmod(0o600)
    return file
  } catch (error) {
    await file.close()
    throw error
  }
}

/** What is there, when it is a file of ours; undefined when there is nothing, or a thing to keep away from. */
export async function statOwn(path: string): Promise<Stats | undefined> {
  const stat = await lstat(path).catch(undefinedIfMissing)
  return stat?.isFile() && isOwn(stat) ? stat : undefined
}

/** Whoever owns the file could read every payload in it, or take them away. */
export function refuseForeign(stat: Stats, path: string): void {
  if (!stat.isFile()) throw new Error(`${path} is ${stat.isSymbolicLink() ? 'a link' : 'not a regular file'}`)
  if (isOwn(stat)) return
  throw new Error(`${path} belongs to somebody else: user ${stat.uid}, and this runs as user ${process.getuid?.()}`)
}

/** Says that a name in a folder has changed only when that is on the disk. Windows has no such thing. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return
  await using folder = await open(dirname(path), 'r')
  await folder.sync()
}

/** For `catch`: undefined when there is no such file or folder; throws everything else. */
export function undefinedIfMissing(error: unknown): undefined {
  if (!isMissing(error)) throw error
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}

/** Whether it belongs to the user that this process has; where there are no users, everything does. */
export function isOwn({ uid }: Stats): boolean {
  const own = process.getuid?.()
  return own === undefined || uid === own
}
