import { lstat, mkdir, mkdtemp, rmdir } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { ConfigError } from '../errors.ts'

/** Where a file may be put for a while: the temporary folder, or where that is read-only, one in memory. */
const places: readonly string[] = [tmpdir(), '/dev/shm']

/**
 * The dead letters of commands that are no deployment: a file in a folder that only this user may enter, in the first of
 * the places where one can be had. Throws ConfigError when there is none, or when somebody else has taken its name.
 */
export async function scratchDeadLetters(command: string, within: readonly string[] = places): Promise<string> {
  const reasons: string[] = []
  for (const place of within) {
    const folder = join(place, `beamline-${process.getuid?.() ?? userInfo().username}`)
    const reason = await unwritable(folder)
    if (reason === undefined) return join(folder, `${command}-dead-letters.jsonl`)
    reasons.push(`${folder}: ${reason}`)
  }
  throw new ConfigError([`TMPDIR: no folder for dead letters: ${reasons.join('; ')}; set it to a folder of yours`])
}

/** Why no file can be made in a private folder of this name; makes it when it is missing. */
async function unwritable(folder: string): Promise<string | undefined> {
  try {
    await mkdir(folder, { mode: 0o700 }).catch((error: unknown) => {
      if (codeOf(error) !== 'EEXIST') throw error
    })
    await refuseForeign(folder)
    await rmdir(await mkdtemp(join(folder, '.trial-')))
    return undefined
  } catch (error) {
    if (error instanceof ConfigError) throw error
    const code = codeOf(error)
    const words = { EROFS: 'the file system is read-only', EACCES: 'not permitted', ENOENT: 'there is no such folder' }
    return new Map(Object.entries(words)).get(code) ?? code
  }
}

/** Whoever made the folder, or may write in it, could read every payload, or lead the writing elsewhere. */
async function refuseForeign(folder: string): Promise<void> {
  const found = await lstat(folder)
  const own = process.getuid?.()
  const fault = !found.isDirectory()
    ? 'is not a folder'
    : own !== undefined && found.uid !== own
      ? 'belongs to somebody else'
      : own !== undefined && (found.mode & 0o077) !== 0
        ? 'is open to others'
        : undefined
  if (fault === undefined) return
  throw new ConfigError([`TMPDIR: ${folder}, where dead letters would go, ${fault}; remove it, or set TMPDIR`])
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown reason'
}
