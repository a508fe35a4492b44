/**
 * What is known of a blob beside its bytes, in a hidden file next to it. The note's name tells the blob's name and its
 * file, so that the notes of an old and a new version stand side by side, and whoever has opened one finds its own.
 */
import { constants } from 'node:fs'
import { open, readFile, unlink, writeFile } from 'node:fs/promises'
import { z } from 'zod'
import type { FileVersion } from './blob-file.ts'
import { isErrno, orMissing } from './file-failure.ts'
import type { Folder } from './folder.ts'
import { nameKey, noteName } from './own-names.ts'

const noteSchema = z.object({
  /** The blob's own name, without folders. */
  name: z.string(),
  size: z.int(),
  /** When the blob was written, in nanoseconds since 1970: another time means that somebody else has written to it. */
  modifiedNs: z.string(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  contentType: z.string().optional(),
  metadata: z.record(z.string(), z.string()).optional(),
  /** In milliseconds since 1970. */
  expiresMs: z.number().optional(),
})

/** What was noted when a blob was put. */
export type BlobNote = Readonly<z.infer<typeof noteSchema>>

const readOnly = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)

/** Writes the note of a version whose lock is held. What is nowhere else is on the disk by then; the hash alone is not. */
export async function writeNote(folder: Folder, { id }: Pick<FileVersion, 'id'>, note: BlobNote): Promise<void> {
  const path = folder.at(noteName(nameKey(note.name), id))
  const text = JSON.stringify(note)
  const isDurable = (note.contentType ?? note.metadata ?? note.expiresMs) !== undefined
  const write = isDurable ? writeDurably : writePlainly
  try {
    await write(path, text)
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error
    // Left by a crash, for a version whose file is gone.
    await unlink(path)
    await write(path, text)
  }
}

/** The note of this version; undefined when there is none that can be read. */
export async function readNote(
  folder: Folder,
  key: string,
  { id }: Pick<FileVersion, 'id'>,
): Promise<BlobNote | undefined> {
  return readNoteFile(folder, noteName(key, id))
}

/** The note in the file of this name; undefined when there is none that can be read. */
export async function readNoteFile(folder: Folder, name: string): Promise<BlobNote | undefined> {
  try {
    const text = await readFile(folder.at(name), { encoding: 'utf8', flag: readOnly })
    return noteSchema.parse(JSON.parse(text))
  } catch (error) {
    // A note that was cut short by a loss of power is as good as none.
    if (error instanceof SyntaxError || error instanceof z.ZodError) return undefined
    if (isErrno(error, 'ENOENT', 'ELOOP', 'EISDIR', 'EAGAIN', 'ENXIO')) return undefined
    throw error
  }
}

/** Removes the note of a version, if there is one. The blob's lock is held. */
export async function removeNote(folder: Folder, key: string, { id }: Pick<FileVersion, 'id'>): Promise<void> {
  await orMissing(unlink(folder.at(noteName(key, id))))
}

/** How many bytes metadata takes in a note. */
export function metadataBytes({ metadata }: Pick<BlobNote, 'metadata'>): number {
  return metadata === undefined ? 0 : Buffer.byteLength(JSON.stringify(metadata))
}

/** Whether the version is the very one that was noted, untouched since. */
export function isUntouched(note: BlobNote, { size, modifiedNs }: FileVersion): boolean {
  return note.size === size && note.modifiedNs === String(modifiedNs)
}

async function writePlainly(path: string, text: string): Promise<void> {
  await writeFile(path, text, { flag: 'wx', mode: 0o600 })
}

async function writeDurably(path: string, text: string): Promise<void> {
  await using file = await open(path, 'wx', 0o600)
  await file.writeFile(text)
  await file.sync()
}
