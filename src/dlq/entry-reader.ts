/** Reads dead letters out of open files, newest first, whatever becomes of the files meanwhile. */
import type { FileHandle } from 'node:fs/promises'
import type { DeadLetter } from '../protocol/dead-letter.ts'
import { readDeadLetter } from '../protocol/stored-dead-letter.ts'
import { idOf } from './entry-times.ts'
import { linesBackwards, linesForwards } from './lines.ts'
import { openOwn, undefinedIfMissing } from './own-file.ts'
import type { RotatedFiles } from './rotated-files.ts'

/** A file that stays readable when it is put aside, written anew or removed. */
export interface OpenedFile {
  readonly file: FileHandle
  readonly ino: number
  /** What was written later is not looked at. */
  readonly end: number
}

/** Opens the files of a set, newest first; `opened` closes them. The caller has the lock, so that none is missed. */
export async function openAll(
  files: RotatedFiles,
  access: 'read' | 'change',
  opened: AsyncDisposableStack,
): Promise<readonly OpenedFile[]> {
  const all: OpenedFile[] = []
  for (const path of await files.paths()) {
    const file = await openOwn(path, access).catch(undefinedIfMissing)
    if (file === undefined) continue
    opened.use(file)
    const { ino, size } = await file.stat()
    all.push({ file, ino, end: size })
  }
  return all
}

/** The entries of several files, in their order, each file from its end; of those whose line holds a text, when one is given. */
export async function* recordsOf(
  files: readonly OpenedFile[],
  signal: AbortSignal,
  holding?: string,
): AsyncGenerator<DeadLetter, void> {
  for (const { file, end } of files) {
    for await (const { bytes } of linesBackwards(file, end, signal)) {
      if (bytes.length === 0 || (holding !== undefined && !bytes.includes(holding))) continue
      const record = readDeadLetter(bytes.toString())
      if (record !== undefined) yield record
    }
  }
}

/** Those of the ids that stand in the files. */
export async function idsIn(files: readonly OpenedFile[], ids: ReadonlySet<string>): Promise<ReadonlySet<string>> {
  const { signal } = new AbortController()
  const found = new Set<string>()
  for (const { file } of files) {
    for await (const { bytes } of linesForwards(file, 0, signal)) {
      const id = idOf(bytes)
      if (id !== undefined && ids.has(id)) found.add(id)
    }
  }
  return found
}
