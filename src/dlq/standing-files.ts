/** What stands at a path of dead letters before anything is made there. */
import { lstat, readdir } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { ConfigError } from '../errors.ts'
import { lockPath, marksPath, rejectedPath, rotationTime } from './file-names.ts'
import { refuseForeign, undefinedIfMissing } from './own-file.ts'

/**
 * Whether there are any files of dead letters. Rejects with a ConfigError when one of them is not ours: whoever makes the
 * others then, such as the lock, shuts out the worker that owns the rest.
 */
export async function areFilesStanding(path: string): Promise<boolean> {
  const outcomes = await Promise.allSettled([path, rejectedPath(path), marksPath(path), lockPath(path)].map(isStanding))
  const problems = outcomes.flatMap((each) => (each.status === 'rejected' ? [`DLQ_PATH: ${wordsOf(each.reason)}`] : []))
  if (problems.length > 0) throw new ConfigError([...new Set(problems)])
  return outcomes.some((each) => each.status === 'fulfilled' && each.value) || (await isAnyRotated(path))
}

async function isStanding(path: string): Promise<boolean> {
  const stat = await lstat(path).catch(undefinedIfMissing)
  if (stat !== undefined) refuseForeign(stat, path)
  return stat !== undefined
}

async function isAnyRotated(path: string): Promise<boolean> {
  const names = (await readdir(dirname(path)).catch(undefinedIfMissing)) ?? []
  return names.some((name) => rotationTime(basename(path), name) !== undefined)
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
