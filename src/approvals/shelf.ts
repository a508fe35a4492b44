/** Records in the state store, read. */
import type { StateStore, Version } from '../store/state-store.ts'
import { type ApprovalRecord, decodeRecord, keyOf, keyPrefix } from './record.ts'

/** A record, and which version of it that is. */
export interface StoredRecord {
  readonly record: ApprovalRecord
  readonly version: Version
}

const batch = 100

/** Undefined when there is none. */
export async function loadRecord(
  store: StateStore,
  approvalId: string,
  signal: AbortSignal,
): Promise<StoredRecord | undefined> {
  const entry = await store.get(keyOf(approvalId), signal)
  return entry && { record: decodeRecord(entry.value), version: { key: entry.key, revision: entry.revision } }
}

/** All records after this id, in the order of their ids. */
export async function* listRecords(
  store: StateStore,
  after: string | undefined,
  signal: AbortSignal,
): AsyncGenerator<ApprovalRecord> {
  let last = after === undefined ? undefined : keyOf(after)
  for (;;) {
    const entries = await store.list(keyPrefix, last, batch, signal)
    for (const { value } of entries) yield decodeRecord(value)
    last = entries.at(-1)?.key
    if (entries.length < batch) return
  }
}
