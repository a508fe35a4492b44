/** What `check` says of the folder of blobs. Leaves nothing behind. */
import { lstat, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import type { Config } from '../config/schema.ts'
import { emptiedFolders, existingFolder, folderProblem, whyTemporary } from './file-findings.ts'
import { type Finding, fail, ok, warn } from './finding.ts'

const name = 'blobs'

/** Whether blobs can be stored, whether they last where `emptied` are folders that do not, and whether there is room. */
export async function blobFindings(
  { baseDir, maxBlobBytes, maxTotalBytes }: Config['blobs'],
  emptied: readonly string[] = emptiedFolders,
): Promise<readonly Finding[]> {
  const inBox = join(baseDir, name)
  const folder = await existingFolder(inBox)
  const problem = await folderProblem(folder, inBox)
  if (problem !== undefined) {
    return [fail(name, `cannot be stored: ${problem}; set FS_BASE_DIR to a writable folder`)]
  }
  const { bavail, bsize } = await statfs(folder)
  const free = bavail * bsize
  const temporary = await whyTemporary(folder, emptied)
  const foreign = await whyForeign(baseDir)
  const wanted = Math.max(maxBlobBytes, maxTotalBytes ?? 0)
  const doubts = [
    ...(temporary === undefined ? [] : [`${temporary}; set FS_BASE_DIR to a folder that lasts`]),
    ...(foreign === undefined ? [] : [foreign]),
    ...(free < wanted ? [`settings allow for ${inUnits(wanted)}; set FS_MAX_TOTAL_BYTES to what there is`] : []),
  ]
  const stored = `can be stored in ${baseDir}, where ${inUnits(free)} are free`
  return [doubts.length === 0 ? ok(name, stored) : warn(name, `${stored}, but ${doubts.join('; and ')}`)]
}

async function whyForeign(path: string): Promise<string | undefined> {
  const own = process.getuid?.()
  const found = await Promise.all([lstat(path), stat(path)]).catch(() => [])
  if (own === undefined || found.every(({ uid }) => uid === own)) return undefined
  return 'the folder belongs to somebody else, who can take away and replace what is in it'
}

function inUnits(bytes: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB']
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, bytes)) / 3)))
  return `${Math.floor(bytes / 1000 ** power)} ${units[power]}`
}
