import { type DeadLetterFilter, isAskedFor } from '../exchange/replay-filter.ts'
import type { DeadLetterStore, KeptDeadLetter } from '../store/dead-letter-store.ts'
import { exitCodes } from './exit-code.ts'
import type { Output } from './output.ts'

interface Purge {
  readonly store: DeadLetterStore
  readonly filter: DeadLetterFilter
  /** Only these; undefined: all that the filter lets through. */
  readonly ids: ReadonlySet<string> | undefined
  /** The newest so many; undefined: all. */
  readonly limit: number | undefined
  readonly kind: 'count' | 'ask' | 'remove'
  readonly output: Output
  readonly signal: AbortSignal
}

/** Removes entries for good, or says how many it would remove: 2 when it was not told to. */
export async function purgeDeadLetters({ store, filter, ids, limit, kind, output, signal }: Purge): Promise<number> {
  const isMeant = (kept: KeptDeadLetter): boolean =>
    (ids === undefined || ids.has(kept.record.id)) && isAskedFor(kept, filter)
  if (kind === 'remove') {
    const newest = limit === undefined ? undefined : await newestOf(store, isMeant, limit, signal)
    const removed = await store.purge((kept) => isMeant(kept) && (newest?.has(kept.record.id) ?? true), signal)
    await output.print(`${counted(removed)} removed`)
    const named = limit === undefined ? (ids?.size ?? 0) : 0
    if (removed < named)
      output.complain(`beamline: ${named - removed} of those named are not there, or not let through`)
    return exitCodes.done
  }
  const found = await newestOf(store, isMeant, limit ?? Number.POSITIVE_INFINITY, signal)
  const would = `${counted(found.size)} would be removed`
  if (kind === 'count') await output.print(would)
  else output.complain(`beamline: ${would} from ${store.place}; --yes removes them for good`)
  return kind === 'count' ? exitCodes.done : exitCodes.usage
}

async function newestOf(
  store: DeadLetterStore,
  isMeant: (kept: KeptDeadLetter) => boolean,
  limit: number,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const found = new Set<string>()
  for await (const kept of store.entries(signal)) {
    if (isMeant(kept)) found.add(kept.record.id)
    if (found.size >= limit) break
  }
  return found
}

function counted(count: number): string {
  return `${count} ${count === 1 ? 'dead letter' : 'dead letters'}`
}
