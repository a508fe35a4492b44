/** Putting a blob: written beside its place, then put in place whole. */
import { link, rename, unlink } from 'node:fs/promises'
import { type BlobNote, metadataBytes, removeNote, writeNote } from './blob-note.ts'
import { infoOf } from './blob-view.ts'
import type { PutBlob, PutOptions } from './blobs.ts'
import { isErrno, orMissing } from './file-failure.ts'
import type { Folder } from './folder.ts'
import { nameKey } from './own-names.ts'
import type { Place } from './place.ts'
import { exists, expectStanding, type Standing, standingAt, stoodOf } from './standing.ts'
import { type Content, TemporaryFile, type Written } from './temporary-file.ts'
import type { Reservation } from './usage.ts'
import type { Workshop } from './workshop.ts'

interface Putting extends PutOptions {
  readonly maxBytes: number
  /** Called before the content is taken. */
  readonly onContent: () => void
  /** Called before the blob is put in place; throws when it is not to be. */
  readonly onCommit: () => void
}

/** Puts a blob into this folder. Rejects with a JobError, the signal's reason, the content's error or the system's. */
export async function putBlob(
  workshop: Workshop,
  folder: Folder,
  place: Place,
  content: Content,
  options: Putting,
): Promise<PutBlob> {
  const { mark, usage, lifetime } = workshop
  const { overwrite, signal, maxBytes } = options
  const isToldEarly = !overwrite || options.ifSha256 !== undefined || usage.isLimited
  const before = isToldEarly ? await standingAt(folder, place.name, workshop) : undefined
  if (!overwrite && before?.isGone === false) throw exists()
  using room = usage.reserve(before === undefined ? 0 : stoodOf(before).bytes)
  room.grow(metadataBytes(options))
  await using temporary = await TemporaryFile.create(folder, mark)
  options.onContent()
  const written = await temporary.write(content, { maxBytes, room, signal })
  // What can be done meanwhile is done; `commit` waits for it.
  temporary.finish().catch(() => undefined)
  const key = nameKey(place.name)
  await using hold = await workshop.locks.hold({ folder, place: place.folders.join('/'), key }, temporary.name, signal)
  const note = noteOf(place.name, written, options, workshop.clock.now())
  const { replaced } = await commit(workshop, folder, place, { temporary, written, note, room }, options)
  const tidy = async (): Promise<void> => {
    if (replaced !== undefined) await removeNote(folder, key, replaced.version)
    await hold[Symbol.asyncDispose]()
  }
  await Promise.all([folder.sync(), tidy()])
  const created = replaced === undefined || replaced.isGone
  return { ...infoOf(place.path, written.version, note, lifetime), sha256: written.sha256, created }
}

interface Ready {
  readonly temporary: TemporaryFile
  readonly written: Written
  readonly note: BlobNote
  readonly room: Reservation
}

/** Puts in place what is ready, if it may be. The place's lock is held. */
async function commit(
  workshop: Workshop,
  folder: Folder,
  { name, inBox }: Place,
  { temporary, written, note, room }: Ready,
  options: Putting,
): Promise<{ readonly replaced: Standing | undefined }> {
  const replaced = await standingAt(folder, name, workshop)
  await expectStanding(folder, name, replaced, options)
  const before = replaced && stoodOf(replaced)
  room.replaces(before?.bytes ?? 0)
  await writeNote(folder, written.version, note)
  try {
    await temporary.finish()
    await folder.confirm()
    options.onCommit()
    await putInPlace(folder, temporary, name, options.overwrite || replaced !== undefined)
  } catch (error) {
    await removeNote(folder, nameKey(name), written.version).catch(() => undefined)
    throw error
  }
  workshop.usage.changed({ path: inBox, before, after: stoodOf({ version: written.version, note }).bytes })
  // From here on it counts as held.
  room[Symbol.dispose]()
  return { replaced }
}

async function putInPlace(folder: Folder, temporary: TemporaryFile, name: string, overwrite: boolean): Promise<void> {
  if (!overwrite && (await linkInPlace(folder, temporary, name))) return
  await rename(folder.at(temporary.name), folder.at(name))
  temporary.isInPlace()
}

/** Whether it could be linked, which never replaces anything. */
async function linkInPlace(folder: Folder, temporary: TemporaryFile, name: string): Promise<boolean> {
  try {
    await link(folder.at(temporary.name), folder.at(name))
  } catch (error) {
    if (isErrno(error, 'EEXIST')) throw exists()
    // Where there are no links, the lock alone keeps others out.
    if (isErrno(error, 'EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP')) return false
    throw error
  }
  await orMissing(unlink(folder.at(temporary.name)))
  temporary.isInPlace()
  return true
}

function noteOf(name: string, { version, sha256 }: Written, options: PutOptions, nowMs: number): BlobNote {
  const { contentType, metadata, ttlSeconds } = options
  return {
    name,
    size: version.size,
    modifiedNs: String(version.modifiedNs),
    sha256,
    ...(contentType === undefined ? {} : { contentType }),
    ...(metadata === undefined || Object.keys(metadata).length === 0 ? {} : { metadata }),
    ...(ttlSeconds === undefined ? {} : { expiresMs: nowMs + ttlSeconds * 1000 }),
  }
}
