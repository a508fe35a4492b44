/** Takes entries out of the middle of a file. */
import { type FileHandle, rename, unlink } from 'node:fs/promises'
import type { DeadLetter } from '../protocol/dead-letter.ts'
import { readDeadLetter } from '../protocol/stored-dead-letter.ts'
import type { OpenedFile } from './entry-reader.ts'
import { linesBackwards } from './lines.ts'
import { openOwn, undefinedIfMissing } from './own-file.ts'

/** Whole lines with their newlines: where they begin and end in the file. */
export interface Range {
  readonly from: number
  readonly to: number
}

/** What is copied or blanked at once, in bytes. */
const sliceBytes = 1_048_576
/** Nobody who reads what was blanked should have to hold long lines of nothing. */
const blankLine = Buffer.from(`${' '.repeat(65_535)}\n`)

/** The lines of entries that match, first first, neighbours as one, with what was blanked before; and how many entries match. */
export async function rangesOf(
  { file, end }: OpenedFile,
  matches: (record: DeadLetter) => boolean,
  signal: AbortSignal,
): Promise<{ readonly ranges: readonly Range[]; readonly entries: number }> {
  const lastFirst: Range[] = []
  let entries = 0
  for await (const { at, bytes } of linesBackwards(file, end, signal)) {
    const isBlank = bytes.length === 0 || bytes[0] === blankLine[0]
    const record = isBlank ? undefined : readDeadLetter(bytes.toString())
    const isMatch = record !== undefined && matches(record)
    if (isMatch) entries += 1
    if (!isBlank && !isMatch) continue
    const to = at + bytes.length + 1
    const next = lastFirst.at(-1)
    if (next?.from === to) lastFirst[lastFirst.length - 1] = { from: at, to: next.to }
    else lastFirst.push({ from: at, to })
  }
  return { ranges: lastFirst.toReversed(), entries }
}

interface Removal {
  readonly file: FileHandle
  /** Where the file stands now. */
  readonly path: string
  readonly ranges: readonly Range[]
  /** Where a copy without them is made, in the same folder. */
  readonly draft: string
  /** How large that may be at the moment, in bytes. */
  readonly roomBytes: number
}

/**
 * Removes ranges from a file: the whole file when nothing else is in it, or else by putting a copy in its place. Where
 * there is no room for one, the ranges are blanked. The caller has the lock; after a crash entries are there or not, whole.
 */
export async function removeRanges({ file, path, ranges, draft, roomBytes }: Removal): Promise<void> {
  const { size } = await file.stat()
  const kept = complement(ranges, size)
  const keptBytes = kept.reduce((sum, { from, to }) => sum + to - from, 0)
  if (keptBytes === 0) return unlink(path)
  const isReplaced = keptBytes <= roomBytes && (await replace({ file, path, draft, kept }))
  if (!isReplaced) for (const range of ranges) await blank(file, range)
}

/** Whether it could be done; a full disk is no reason to give up. */
async function replace(to: {
  file: FileHandle
  path: string
  draft: string
  kept: readonly Range[]
}): Promise<boolean> {
  await unlink(to.draft).catch(undefinedIfMissing)
  try {
    await copy(to.file, to.kept, to.draft)
    await rename(to.draft, to.path)
    return true
  } catch {
    await unlink(to.draft).catch(undefinedIfMissing)
    return false
  }
}

async function copy(source: FileHandle, kept: readonly Range[], path: string): Promise<void> {
  await using target = await openOwn(path, 'make')
  const slice = Buffer.allocUnsafe(sliceBytes)
  let next = 0
  for (let at = kept[0]?.from ?? 0; next < kept.length; ) {
    const { bytesRead } = await source.read(slice, 0, sliceBytes, at)
    if (bytesRead === 0) throw new Error(`${path} would be incomplete`)
    const end = at + bytesRead
    const parts: Buffer[] = []
    for (let range = kept[next]; range !== undefined && range.from < end; range = kept[next]) {
      parts.push(slice.subarray(Math.max(range.from, at) - at, Math.min(range.to, end) - at))
      if (range.to > end) break
      next += 1
    }
    const bytes = Buffer.concat(parts)
    const { bytesWritten } = await target.write(bytes)
    if (bytesWritten < bytes.length) throw new Error(`${path} cannot be written`)
    at = end
  }
  // A name that is on the disk before its contents would leave nothing after a power cut.
  await target.sync()
}

async function blank(file: FileHandle, { from, to }: Range): Promise<void> {
  for (let at = from; at < to; ) {
    const length = Math.min(blankLine.length, to - at)
    const { bytesWritten } = await file.write(blankLine, blankLine.length - length, length, at)
    at += bytesWritten
  }
}

function complement(ranges: readonly Range[], size: number): readonly Range[] {
  const starts = [0, ...ranges.map(({ to }) => to)]
  const ends = [...ranges.map(({ from }) => from), size]
  return starts.map((from, n) => ({ from, to: ends[n] ?? from })).filter(({ from, to }) => to > from)
}
