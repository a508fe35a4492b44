/** What a job sees of a blob: its file, and what was noted of it. */

import { type FileVersion, type OpenFile, openFile } from './blob-file.ts'
import { type BlobNote, isUntouched, readNote } from './blob-note.ts'
import type { BlobInfo } from './blobs.ts'
import { errnoError } from './file-failure.ts'
import type { Folder } from './folder.ts'
import { nameKey } from './own-names.ts'

/** A blob's file with its note. */
export interface NotedFile extends AsyncDisposable {
  readonly file: OpenFile
  readonly note: BlobNote | undefined
}

/** How long blobs last whose note says nothing else, in milliseconds; undefined for ever. */
export type Lifetime = number | undefined

/** How often a blob is opened again that is replaced just then. */
const mostTries = 100

/** The end of the year 9999. */
const lastMs = 253_402_300_799_999

/** Opens a blob with the note that belongs to it. Rejects as `openFile` does. */
export async function openNoted(folder: Folder, name: string): Promise<NotedFile> {
  const key = nameKey(name)
  for (let tries = 1; ; tries++) {
    await using opened = new AsyncDisposableStack()
    const file = opened.use(await openFile(folder, name))
    const note = await readNote(folder, key, file.version)
    // The note of a version goes when the version goes.
    if (note === undefined && tries < mostTries && (await file.isReplaced())) continue
    const owned = opened.move()
    return { file, note, [Symbol.asyncDispose]: () => owned.disposeAsync() }
  }
}

/** When it is gone, in milliseconds since 1970: by its own time, else by the time of all. */
export function expiryOf(version: FileVersion, note: BlobNote | undefined, lifetime: Lifetime): number | undefined {
  const own = note !== undefined && isUntouched(note, version) ? note.expiresMs : undefined
  return own ?? (lifetime === undefined ? undefined : modifiedMs(version) + lifetime)
}

/** Rejects as if it were not there when its time has come. */
export function refuseExpired(
  version: FileVersion,
  note: BlobNote | undefined,
  lifetime: Lifetime,
  nowMs: number,
): void {
  const expiry = expiryOf(version, note, lifetime)
  if (expiry !== undefined && expiry <= nowMs) throw errnoError('ENOENT')
}

/** What is told of a blob. The hash is told as it was noted, also where somebody has written to the file since. */
export function infoOf(path: string, version: FileVersion, note: BlobNote | undefined, lifetime: Lifetime): BlobInfo {
  const expires = expiryOf(version, note, lifetime)
  const own = note !== undefined && isUntouched(note, version) ? note : undefined
  return {
    path,
    size: version.size,
    modified: rfc3339(modifiedMs(version)),
    ...(note === undefined ? {} : { sha256: note.sha256 }),
    ...(own?.contentType === undefined ? {} : { contentType: own.contentType }),
    ...(own?.metadata === undefined ? {} : { metadata: own.metadata }),
    ...(expires === undefined ? {} : { expires: rfc3339(expires) }),
  }
}

/** Times that no calendar has become its last one. */
function rfc3339(ms: number): string {
  return new Date(Math.max(0, Math.min(ms, lastMs))).toISOString()
}

function modifiedMs({ modifiedNs }: FileVersion): number {
  return Number(modifiedNs / 1_000_000n)
}
