import { firstOf } from '../lib/first-of.ts'

/** What is known of a record without its value. */
interface Known {
  readonly sequence: number
  readonly dueAt: number | undefined
}

/**
 * Which records a bucket has and when they are due, as put together from what this process wrote and from what it was
 * told of the writes of others. Whatever has the higher sequence is newer. Pure.
 */
export class RecordIndex {
  readonly #records = new Map<string, Known>()
  /** Removed here, which the news from the bucket have not told yet. */
  readonly #removed = new Map<string, number>()

  /** A record was written under this sequence. */
  stored(key: string, sequence: number, dueAt: number | undefined): void {
    const newest = this.#removed.get(key) ?? this.#records.get(key)?.sequence ?? 0
    if (sequence > newest) this.#records.set(key, { sequence, dueAt })
  }

  /** A record was removed by what was written under this sequence. */
  removed(key: string, sequence: number): void {
    if ((this.#records.get(key)?.sequence ?? 0) > sequence) return
    this.#records.delete(key)
    this.#removed.set(key, sequence)
  }

  /** All news up to this sequence have been told. */
  told(sequence: number): void {
    for (const [key, removedAt] of this.#removed) if (removedAt <= sequence) this.#removed.delete(key)
  }

  /** Hands out what is known of a key, to be compared by `gone`. */
  known(key: string): Known | undefined {
    return this.#records.get(key)
  }

  /** The bucket has no such record, as it said after `known` had been handed out. */
  gone(key: string, known: Known | undefined): void {
    if (this.#records.get(key) === known) this.#records.delete(key)
  }

  /** At most `limit` keys that begin with `prefix` and come after `after`, in order. */
  keys(prefix: string, after: string | undefined, limit: number): readonly string[] {
    const keys = this.#records.keys().filter((key) => key.startsWith(prefix) && (after === undefined || key > after))
    return firstOf(keys, limit, (a, b) => (a < b ? -1 : 1))
  }

  /** At most `limit` keys that are due at `now`, the longest due first. */
  due(now: number, limit: number): readonly string[] {
    const due = this.#records
      .entries()
      .flatMap(([key, { dueAt }]) => (dueAt !== undefined && dueAt <= now ? [{ key, dueAt }] : []))
    return firstOf(due, limit, (a, b) => a.dueAt - b.dueAt).map(({ key }) => key)
  }

  count(prefix: string): number {
    return this.#records.keys().reduce((sum, key) => sum + (key.startsWith(prefix) ? 1 : 0), 0)
  }
}
