/** Notes that belong to no file any more: after a crash, or in a box that was copied or brought back from a backup. */
import { lstat, unlink } from 'node:fs/promises'
import { isSafeSegment } from '../../lib/safe-path.ts'
import { type FileVersion, lookAt, openFile } from './blob-file.ts'
import { type BlobNote, readNote, readNoteFile, writeNote } from './blob-note.ts'
import { contentHash } from './content-hash.ts'
import { orMissing } from './file-failure.ts'
import type { Folder } from './folder.ts'
import { nameKey, notedFile, temporaryName } from './own-names.ts'
import type { Workshop } from './workshop.ts'

interface StrayNote {
  readonly folder: Folder
  /** Of the folder, inside the box. */
  readonly folders: readonly string[]
  /** Of the note. */
  readonly name: string
}

/** Younger notes may be those of blobs that are being put. */
const youngMs = 10_000

/**
 * Gives the note to the file that has the name and the content it speaks of, or else removes it. Rejects as `lookAt`
 * does, with the system's error, and with RESOURCE_UNAVAILABLE when others keep the blob's lock.
 */
export async function tidyNote(
  { locks, mark, clock }: Pick<Workshop, 'locks' | 'mark' | 'clock'>,
  { folder, folders, name }: StrayNote,
  signal: AbortSignal,
): Promise<void> {
  const noted = notedFile(name)
  const stat = await orMissing(lstat(folder.at(name)))
  if (noted === undefined || stat === undefined || clock.now() - stat.mtimeMs < youngMs) return
  const { key, id } = noted
  await using _hold = await locks.hold({ folder, place: folders.join('/'), key }, temporaryName(mark), signal)
  const note = await readNoteFile(folder, name)
  if (note !== undefined && isSafeSegment(note.name) && nameKey(note.name) === key) {
    const version = await orMissing(lookAt(folder, note.name))
    if (version?.id === id) return
    if (version !== undefined && (await isOfThis(folder, note, version, signal))) {
      await writeNote(folder, version, { ...note, modifiedNs: String(version.modifiedNs) })
    }
  }
  await orMissing(unlink(folder.at(name)))
}

async function isOfThis(folder: Folder, note: BlobNote, version: FileVersion, signal: AbortSignal): Promise<boolean> {
  if (note.size !== version.size || (await readNote(folder, nameKey(note.name), version)) !== undefined) return false
  await using file = await openFile(folder, note.name)
  return file.version.id === version.id && (await contentHash(file, signal)) === note.sha256
}
