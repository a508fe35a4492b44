/** What `check` says of files. Leaves nothing behind. */
import { constants } from 'node:fs'
import { lstat, open, realpath, rm, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path'
import { lockPath, marksPath, rejectedPath } from '../dlq/file-names.ts'
import { isOwn, refuseForeign } from '../dlq/own-file.ts'
import { type Finding, fail, ok, warn } from './finding.ts'

/** The numbers by which Linux knows file systems that live in memory: tmpfs and ramfs. */
const memoryFileSystems: ReadonlySet<number> = new Set([0x01021994, 0x858458f6])
/** Folders that systems empty. */
export const emptiedFolders: readonly string[] = ['/tmp', '/var/tmp', '/dev/shm', '/run', tmpdir()]

/**
 * Whether dead letters can be written to `path` and to the file beside it, and whether they last: not in a file system
 * in memory, not in a folder that is `emptied`.
 */
export async function deadLetterFindings(
  path: string,
  emptied: readonly string[] = emptiedFolders,
): Promise<readonly Finding[]> {
  const name = 'dead_letters'
  const files = [path, rejectedPath(path), marksPath(path), lockPath(path)]
  const problems = (await Promise.all(files.map(fileProblem))).filter((problem) => problem !== undefined)
  const folder = await existingFolder(path)
  const blocked = problems.length > 0 ? undefined : await folderProblem(folder, path)
  if (problems.length > 0 || blocked !== undefined) {
    const words = [...problems, ...(blocked === undefined ? [] : [blocked])].join('; ')
    return [fail(name, `cannot be written: ${words}; ${await adviceOn(files, 'DLQ_PATH')}`)]
  }
  const temporary = await whyTemporary(folder, emptied)
  return [
    temporary === undefined
      ? ok(name, `can be written to ${path}`)
      : warn(name, `can be written to ${path}, but ${temporary}; set DLQ_PATH to a file that lasts`),
  ]
}

/** What is wrong with a file that is there already; undefined: nothing, or it is not there. */
export async function fileProblem(path: string): Promise<string | undefined> {
  const found = await lstat(path).catch(() => undefined)
  if (found === undefined) return undefined
  try {
    refuseForeign(found, path)
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
  try {
    await (await open(path, constants.O_RDWR | constants.O_APPEND)).close()
    return undefined
  } catch (error) {
    return `${path}: ${reason(error)}`
  }
}

/** What to do when files, the first of which `variable` names, or their folder cannot be written to. */
export async function adviceOn(paths: readonly string[], variable: string): Promise<string> {
  const found = await Promise.all(paths.map((path) => lstat(path).catch(() => undefined)))
  const isForeign = found.some((stat) => stat?.isFile() === true && !isOwn(stat))
  return isForeign
    ? `call this as the user that the worker has; if it is this one, make it the owner (chown), or set ${variable} to another file`
    : `set ${variable} to a file in a writable folder`
}

/**
 * Why no file can be made in a folder, beside `path`; undefined when it can. Making one is the only sure way to know:
 * root passes every question after permissions.
 */
export async function folderProblem(folder: string, path: string): Promise<string | undefined> {
  const trial = join(folder, `.${basename(path)}.${crypto.randomUUID()}`)
  try {
    await (await open(trial, 'wx', 0o600)).close()
    await rm(trial)
    return undefined
  } catch (error) {
    return `${folder}: ${reason(error)}`
  }
}

/** The folder of a file, or the nearest one above it that is there; what lies between is made at start. */
export async function existingFolder(path: string): Promise<string> {
  for (let folder = dirname(resolve(path)); ; folder = dirname(folder)) {
    if (folder === dirname(folder) || (await lstat(folder).catch(() => undefined)) !== undefined) return folder
  }
}

/** Why what is written to a folder does not last; undefined when it does. */
export async function whyTemporary(folder: string, emptied: readonly string[]): Promise<string | undefined> {
  const { type } = await statfs(folder)
  if (memoryFileSystems.has(type)) return 'that is a temporary file system, in memory: a restart loses them'
  const real = await realpath(folder)
  const within = emptied.find((each) => contains(each, real))
  return within === undefined ? undefined : `${within} is a temporary folder, which systems empty`
}

function contains(folder: string, path: string): boolean {
  const way = relative(folder, path)
  return way === '' || !(way.startsWith('..') || isAbsolute(way))
}

function reason(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown reason'
  return (
    {
      EACCES: 'not permitted',
      EPERM: 'not permitted',
      EROFS: 'the file system is read-only',
      ENOTDIR: 'it is not a folder',
    }[code] ?? code
  )
}
