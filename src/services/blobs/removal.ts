/** Removing blobs. */
import { unlink } from 'node:fs/promises'
import { removeNote } from './blob-note.ts'
import type { Folder } from './folder.ts'
import { nameKey, temporaryName } from './own-names.ts'
import type { Place } from './place.ts'
import { type Standing, standingAt, stoodOf } from './standing.ts'
import type { Workshop } from './workshop.ts'

/**
 * Removes what stands in the place, while its lock is held, if `mayGo` says so (or does not reject); whether it did.
 * Rejects with the system's error, and as `lookAt` does.
 */
export async function removeBlob(
  { mark, locks, usage, lifetime, clock }: Workshop,
  folder: Folder,
  { name, folders, inBox }: Pick<Place, 'name' | 'folders' | 'inBox'>,
  mayGo: (standing: Standing | undefined) => boolean | Promise<boolean>,
  signal: AbortSignal,
): Promise<boolean> {
  const key = nameKey(name)
  await using _hold = await locks.hold({ folder, place: folders.join('/'), key }, temporaryName(mark), signal)
  const standing = await standingAt(folder, name, { lifetime, clock })
  if (!(await mayGo(standing)) || standing === undefined) return false
  await folder.confirm()
  await unlink(folder.at(name))
  usage.changed({ path: inBox, before: stoodOf(standing), after: undefined })
  await removeNote(folder, key, standing.version)
  return true
}
