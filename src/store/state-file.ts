/** The file of the SQLite store: whose it is, and that it lasts. */
import type { Stats } from 'node:fs'
import { chmod, lstat, mkdir, open, realpath } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { ConfigError } from '../errors.ts'

/** What SQLite keeps beside the file. */
const companions: readonly string[] = ['-wal', '-shm']

/**
 * Makes the file, for our eyes only, when it is missing, and its folder with it; resolves with its path without links.
 * Rejects with a ConfigError when it is a link, no file, or somebody else's.
 */
export async function claimFile(path: string): Promise<string> {
  try {
    const folder = dirname(resolve(path))
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const real = join(await realpath(folder), basename(path))
    await makeMissing(real)
    for (const each of [real, ...companions.map((end) => `${real}${end}`)]) await refuseForeign(each)
    return real
  } catch (error) {
    if (error instanceof ConfigError) throw error
    throw unusable(path, error)
  }
}

/** Where the file is, without links; undefined when there is none. */
export async function findFile(path: string): Promise<string | undefined> {
  const folder = await realpath(dirname(resolve(path))).catch(() => undefined)
  if (folder === undefined) return undefined
  const real = join(folder, basename(path))
  return (await statOf(real)) === undefined ? undefined : real
}

/** What to tell of a file that cannot be used. */
export function unusable(path: string, error: unknown): ConfigError {
  const reason = error instanceof Error ? error.message : String(error)
  return new ConfigError([`STATE_PATH: ${path} cannot be used: ${reason}`])
}

/**
 * Opened only when it is made: to close a file that SQLite has open elsewhere in this process would give up its locks.
 */
async function makeMissing(path: string): Promise<void> {
  try {
    await using file = await open(path, 'wx', 0o600)
    await file.sync()
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  }
}

/** Whoever owns the file could read every record in it, or change what was decided. */
async function refuseForeign(path: string): Promise<void> {
  const found = await statOf(path)
  if (found === undefined) return
  if (!found.isFile()) throw new Error(`${path} is ${found.isSymbolicLink() ? 'a link' : 'not a regular file'}`)
  const own = process.getuid?.()
  if (own === undefined) return
  if (found.uid !== own) throw new Error(`${path} belongs to somebody else`)
  if ((found.mode & 0o077) !== 0) await chmod(path, 0o600)
}

function statOf(path: string): Promise<Stats | undefined> {
  return lstat(path).catch(() => undefined)
}
