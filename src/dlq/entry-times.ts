/** When the entries of a file were made, read from their ids without parsing them. */
import { decodeTime } from 'ulid'
import { linesBackwards, linesForwards } from './lines.ts'
import { openOwn, undefinedIfMissing } from './own-file.ts'

/** How every line begins, as `deadLetter` makes records. */
const head = /^\{"id":"([0-7][0-9A-HJKMNP-TV-Z]{25})"/
const headBytes = 34

/** The id of the entry that a line holds; undefined when it is none of ours. */
export function idOf(line: Buffer): string | undefined {
  return head.exec(line.toString('latin1', 0, headBytes))?.[1]
}

/** Of the first entry in a file, in milliseconds since 1970; undefined when there is none. */
export function oldestTime(path: string): Promise<number | undefined> {
  return firstTime(path, 'oldest')
}

/** Of the last entry. */
export function newestTime(path: string): Promise<number | undefined> {
  return firstTime(path, 'newest')
}

async function firstTime(path: string, which: 'oldest' | 'newest'): Promise<number | undefined> {
  const file = await openOwn(path, 'read').catch(undefinedIfMissing)
  if (file === undefined) return undefined
  await using opened = file
  const { signal } = new AbortController()
  const lines =
    which === 'oldest' ? linesForwards(opened, 0, signal) : linesBackwards(opened, (await opened.stat()).size, signal)
  for await (const { bytes } of lines) {
    const id = idOf(bytes)
    if (id !== undefined) return decodeTime(id)
  }
  return undefined
}
