/** Dead letters a page at a time, for who cannot wait for all of them. */
import { decodeTime } from 'ulid'
import type { Clock } from '../lib/clock.ts'
import type { KeptDeadLetter } from '../store/dead-letter-store.ts'
import { type DeadLetterFilter, isAskedFor } from './replay-filter.ts'

interface PageRequest {
  readonly filter: DeadLetterFilter
  /** The last entry of the page before; undefined: from the newest on. */
  readonly cursor: string | undefined
  /** The most entries of a page. */
  readonly limit: number
  readonly clock: Clock
}

/** A part of the list; `next` is the cursor of the next one, undefined at the end. */
export interface DeadLetterPage {
  readonly items: readonly KeptDeadLetter[]
  readonly next: string | undefined
}

/** How long entries are looked at for one page, in milliseconds: it may then hold few, or none. */
const budgetMs = 1_000
/** How far the clocks of those who write may be apart, in milliseconds. */
const slackMs = 60_000

/** The entries after the cursor that are asked for. Whatever lies before the cursor is read again. */
export async function pageOf(entries: AsyncIterable<KeptDeadLetter>, request: PageRequest): Promise<DeadLetterPage> {
  const { filter, limit, clock } = request
  const items: KeptDeadLetter[] = []
  let last: string | undefined
  let endsAt = 0
  for await (const kept of after(request.cursor, entries)) {
    if (last === undefined) endsAt = clock.monotonic() + budgetMs
    else if (items.length === limit || clock.monotonic() >= endsAt) return { items, next: last }
    if (isAskedFor(kept, filter)) items.push(kept)
    last = kept.record.id
  }
  return { items, next: undefined }
}

/** Where the entry of the cursor is gone, what is clearly older than it. */
async function* after(
  cursor: string | undefined,
  entries: AsyncIterable<KeptDeadLetter>,
): AsyncGenerator<KeptDeadLetter> {
  let isBehind = cursor === undefined
  const oldest = cursor === undefined ? 0 : decodeTime(cursor) - slackMs
  for await (const kept of entries) {
    const { id } = kept.record
    if (id === cursor) isBehind = true
    else {
      isBehind ||= decodeTime(id) < oldest
      if (isBehind) yield kept
    }
  }
}
