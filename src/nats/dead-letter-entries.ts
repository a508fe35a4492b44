import type { StreamInfo } from '@nats-io/jetstream'
import type { Clock } from '../lib/clock.ts'
import { readDeadLetter } from '../protocol/stored-dead-letter.ts'
import type { KeptDeadLetter, ReplayMark } from '../store/dead-letter-store.ts'
import type { OpenedStreams } from './dead-letter-link.ts'
import { type DeadLetterNames, lastToken } from './dead-letter-names.ts'
import { backwards } from './dead-letter-reader.ts'

/** An entry, and where it lies. */
interface PlacedEntry {
  readonly kept: KeptDeadLetter
  readonly sequence: number
}

/** The entries on one of the subjects. */
interface EntryFamily {
  readonly info: StreamInfo
  /** The subject with its wildcard. */
  readonly subjects: string
  readonly rejected: boolean
}

/** The entries to be replayed, and those that are callers' faults, in the streams as they are now. */
export function entryFamilies(
  names: DeadLetterNames,
  { main, rejected }: { readonly main: StreamInfo; readonly rejected: StreamInfo },
): readonly EntryFamily[] {
  return [
    { info: main, subjects: names.entries, rejected: false },
    { info: rejected, subjects: names.rejected, rejected: true },
  ]
}

/** The entries of a family, newest first; what is none is left out. */
export async function* readEntries(
  { nats, manager }: OpenedStreams,
  { info: { config, state }, subjects, rejected }: EntryFamily,
  {
    marks,
    clock,
    signal,
  }: { readonly marks: ReadonlyMap<string, ReplayMark>; readonly clock: Clock; readonly signal: AbortSignal },
): AsyncGenerator<PlacedEntry, void> {
  const prefix = subjects.slice(0, -1)
  // Without a filter, which costs the server a look at every subject for each part; what else is there are few marks.
  const reading = { nats, manager, clock, stream: config.name, signal }
  for await (const part of backwards(reading, state.first_seq, state.last_seq)) {
    for (const { body, sequence, subject } of part) {
      if (!subject.startsWith(prefix)) continue
      const record = readDeadLetter(new TextDecoder().decode(body))
      if (record === undefined || record.id !== lastToken(subject)) continue
      signal.throwIfAborted()
      yield { kept: { record, mark: marks.get(record.id), rejected }, sequence }
    }
  }
}

/** How many entries are removed at once. */
const removedAtOnce = 32

/** Removes the entries of a family that match, as they come, and resolves with how many they were. */
export async function removeEntries(
  { manager }: OpenedStreams,
  { info, subjects }: EntryFamily,
  entries: AsyncIterable<PlacedEntry>,
  matches: (kept: KeptDeadLetter) => boolean,
): Promise<number> {
  const stream = info.config.name
  let removed = 0
  /** What matched since the last entry that did not. */
  let run: number[] = []
  for await (const { kept, sequence } of entries) {
    if (matches(kept)) run.push(sequence)
    else {
      const sequences = run
      run = []
      while (sequences.length > 0) {
        const some = sequences.splice(-removedAtOnce)
        const ends = await Promise.all(some.map((each) => removeOne(manager, stream, each)))
        removed += ends.filter(Boolean).length
      }
    }
  }
  const [newest] = run
  if (newest === undefined) return removed
  // No older entry must stay, so that one request does for all; what goes with them and was no entry is not counted.
  const { purged } = await manager.streams.purge(stream, { filter: subjects, seq: newest + 1 })
  return removed + Math.min(purged, run.length)
}

/** Not overwritten on the server's disk, which would take it 10 ms each. False when somebody else has removed it. */
async function removeOne({ streams }: OpenedStreams['manager'], stream: string, sequence: number): Promise<boolean> {
  try {
    return await streams.deleteMessage(stream, sequence, false)
  } catch (error) {
    if ((await streams.getMessage(stream, { seq: sequence })) === null) return false
    throw error
  }
}
