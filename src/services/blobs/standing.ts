/** What stands in a place now. Asked while the place's lock is held, it stays so, but for what others do by hand. */
import { JobError } from '../../errors.ts'
import type { Clock } from '../../lib/clock.ts'
import { type FileVersion, lookAt, openFile } from './blob-file.ts'
import { type BlobNote, isUntouched, metadataBytes, readNote } from './blob-note.ts'
import { expiryOf, type Lifetime } from './blob-view.ts'
import type { PutOptions } from './blobs.ts'
import { contentHash } from './content-hash.ts'
import { orMissing } from './file-failure.ts'
import type { Folder } from './folder.ts'
import { nameKey } from './own-names.ts'
import type { Stood } from './tally.ts'

/** A blob in its place; one whose time has come still stands there, but counts as gone. */
export interface Standing {
  readonly version: FileVersion
  readonly note: BlobNote | undefined
  readonly isGone: boolean
}

/** Undefined when there is nothing. Rejects as `lookAt` does. */
export async function standingAt(
  folder: Folder,
  name: string,
  { lifetime, clock }: { readonly lifetime: Lifetime; readonly clock: Clock },
): Promise<Standing | undefined> {
  const version = await orMissing(lookAt(folder, name))
  if (version === undefined) return undefined
  const note = await readNote(folder, nameKey(name), version)
  const expiry = expiryOf(version, note, lifetime)
  return { version, note, isGone: expiry !== undefined && expiry <= clock.now() }
}

/** As it counts against the most that the box may hold. */
export function stoodOf({ version, note }: Pick<Standing, 'version' | 'note'>): Stood {
  return { bytes: version.size + (note === undefined ? 0 : metadataBytes(note)), sinceNs: version.changedNs }
}

/** Rejects with FILE_EXISTS or PRECONDITION_FAILED when a put on these conditions may not replace what stands there. */
export async function expectStanding(
  folder: Folder,
  name: string,
  standing: Standing | undefined,
  { overwrite, ifSha256, signal }: Pick<PutOptions, 'overwrite' | 'ifSha256' | 'signal'>,
): Promise<void> {
  if (!overwrite && standing?.isGone === false) throw exists()
  if (ifSha256 !== undefined) await expectHash(folder, name, standing, ifSha256, signal)
}

/** FILE_EXISTS. */
export function exists(): JobError {
  return new JobError('FILE_EXISTS', 'There is a blob already')
}

/** Rejects with PRECONDITION_FAILED when what stands there has not this hash. */
export async function expectHash(
  folder: Folder,
  name: string,
  standing: Standing | undefined,
  expected: string,
  signal: AbortSignal,
): Promise<void> {
  if (standing === undefined || standing.isGone) throw isOther('missing')
  if ((await hashOf(folder, name, standing, signal)) !== expected.toLowerCase()) throw isOther('changed')
}

async function hashOf(folder: Folder, name: string, { version, note }: Standing, signal: AbortSignal): Promise<string> {
  if (note !== undefined && isUntouched(note, version)) return note.sha256
  await using file = await openFile(folder, name)
  return await contentHash(file, signal)
}

/** PRECONDITION_FAILED. */
export function isOther(reason: 'missing' | 'changed'): JobError {
  return new JobError('PRECONDITION_FAILED', 'The blob is not the one that was expected', { details: { reason } })
}
