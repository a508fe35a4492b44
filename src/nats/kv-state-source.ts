import { type Entry, type StateSource, type StateStore, StoreError } from '../store/state-store.ts'
import { KvStateStore } from './kv-state-store.ts'
import { findStateBucket } from './state-bucket.ts'
import type { LinkParts } from './state-link.ts'
import { StateRecords } from './state-records.ts'

/** The bucket of the state, as this connection reaches it. */
export class KvStateSource implements StateSource {
  readonly #parts: LinkParts

  constructor(parts: LinkParts) {
    this.#parts = parts
  }

  open(): StateStore {
    return new KvStateStore(this.#parts)
  }

  async *peek(prefix: string, signal: AbortSignal): AsyncIterable<Entry> {
    const { nats } = this.#parts.connection
    if (nats === undefined) throw new StoreError('unreachable', 'The state cannot be reached: not connected')
    if ((await findStateBucket(nats)) === undefined) return
    const records = await StateRecords.over(nats)
    for (const key of await records.keys(prefix)) {
      signal.throwIfAborted()
      const entry = await records.get(key)
      if (entry !== undefined) yield entry
    }
  }
}
