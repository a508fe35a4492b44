/** Records in the state store, read. */
import { type Entry, type StateStore, StoreError, type Version } from '../store/state-store.ts'
import { handsOffMs } from './progress.ts'
import { type ApprovalRecord, decodeRecord, keyOf, keyPrefix } from './record.ts'

/** A record, and which version of it that is. */
export interface StoredRecord {
  readonly record: ApprovalRecord
  readonly version: Version
}

/** What became of a claim: this process looks after the record, another one does or it is gone, or nobody here can read it. */
export type Claim = 'claimed' | 'taken' | 'unreadable'

const batch = 100

/** How long a record that cannot be read is out of the way of the others, in milliseconds. A newer version may read it. */
const asideMs = 600_000

/** Undefined when there is none; rejects with a StoreError also when it cannot be read. */
export async function loadRecord(
  store: StateStore,
  approvalId: string,
  signal: AbortSignal,
): Promise<StoredRecord | undefined> {
  const entry = await store.get(keyOf(approvalId), signal)
  if (entry === undefined) return undefined
  const record = readable(entry)
  if (record === undefined) throw new StoreError('unreachable', 'The record is damaged, or of a newer version')
  return { record, version: { key: entry.key, revision: entry.revision } }
}

/** Moves the record on by a write of what it holds: whoever succeeds looks after it, and the others see it due no more. */
export async function claimRecord(
  store: StateStore,
  approvalId: string,
  now: number,
  signal: AbortSignal,
): Promise<Claim> {
  const entry = await store.get(keyOf(approvalId), signal)
  if (entry === undefined) return 'taken'
  const claim = readable(entry) === undefined ? 'unreadable' : 'claimed'
  const due = now + (claim === 'claimed' ? handsOffMs : asideMs)
  return (await store.replace(entry, entry.value, due, signal)) === undefined ? 'taken' : claim
}

/** All records after this id that can be read, in the order of their ids. */
export async function* listRecords(
  store: StateStore,
  after: string | undefined,
  signal: AbortSignal,
): AsyncGenerator<ApprovalRecord> {
  let last = after === undefined ? undefined : keyOf(after)
  for (;;) {
    const entries = await store.list(keyPrefix, last, batch, signal)
    for (const entry of entries) {
      const record = readable(entry)
      if (record !== undefined) yield record
    }
    last = entries.at(-1)?.key
    if (entries.length < batch) return
  }
}

function readable({ value }: Entry): ApprovalRecord | undefined {
  try {
    return decodeRecord(value)
  } catch {
    return undefined
  }
}
