/**
 * The port to what outlives the process: small records under keys, changed by compare-and-swap, each with a moment at
 * which it is due. Adapters: memory and SQLite here, JetStream's key-value store in `nats/`.
 * `test/contract/state-store.contract.ts` runs over all.
 */

/** A record as it is stored. */
export interface Entry {
  readonly key: string
  readonly value: Uint8Array
  /** Changes with every write. */
  readonly revision: string
}

/** Which record, as somebody has read it. */
export type Version = Pick<Entry, 'key' | 'revision'>

/**
 * Where records are. Keys are 1 to 200 letters, digits and `_ - . =`, with no dot at an end or beside another; they
 * are in order by their character codes. Everything that is asked rejects with a StoreError when the store cannot be
 * used within a few seconds, and with the signal's reason when that aborts first. What other processes write is known
 * to `list`, `due` and `count` within seconds, to the rest at once.
 */
export interface StateStore extends AsyncDisposable {
  /** The largest value, in bytes. */
  readonly maxValueBytes: number
  /** Who sees the records: every worker, or only those that have the file. */
  readonly reach: 'fleet' | 'process'
  /** `ok`, or in a few words what is wrong. */
  health(): string
  /**
   * Stores a new record and resolves with its revision, or undefined when the key is taken. `dueAt`: when `due` is to
   * name it, in whole milliseconds since 1970; undefined: never. When it rejects, the record may be stored all the same:
   * read it again, and compare.
   */
  create(key: string, value: Uint8Array, dueAt: number | undefined, signal: AbortSignal): Promise<string | undefined>
  get(key: string, signal: AbortSignal): Promise<Entry | undefined>
  /** Stores a new value in place of the one that was read; undefined when that is not there any more. Rejects as `create`. */
  replace(
    version: Version,
    value: Uint8Array,
    dueAt: number | undefined,
    signal: AbortSignal,
  ): Promise<string | undefined>
  /** False when what was read is not there any more. Rejects as `create`. */
  remove(version: Version, signal: AbortSignal): Promise<boolean>
  /** Records whose keys begin with `prefix` and come after `after`, in order; fewer than `limit` only when there are no more. */
  list(prefix: string, after: string | undefined, limit: number, signal: AbortSignal): Promise<readonly Entry[]>
  /** Keys of at most `limit` records that are due at `now`, the longest due first. One may be gone when it is read. */
  due(now: number, limit: number, signal: AbortSignal): Promise<readonly string[]>
  /** How many keys begin with `prefix`, as far as is known. */
  count(prefix: string): number
}

/** Keeps records for everybody on a bus. */
export interface StateSource {
  /** Opens the store, and makes it when it is missing; returns before it is there. */
  open(): StateStore
  /** Reads what begins with `prefix`, and makes nothing. Rejects when it cannot be read now. */
  peek(prefix: string, signal: AbortSignal): AsyncIterable<Entry>
}

/** A record that is not known to be stored, or cannot be read now. */
export class StoreError extends Error {
  override readonly name = 'StoreError'
  /** `too-large`: over `maxValueBytes`. `unreachable`: try again later; a write may have arrived all the same. */
  readonly reason: 'too-large' | 'unreachable'

  constructor(reason: StoreError['reason'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.reason = reason
  }
}

const longestKey = 200
const key = /^[\w=-]+(?:\.[\w=-]+)*$/

/** Throws a RangeError for what is no key, which is a fault of the program. */
export function requireKey(text: string): void {
  if (text.length > longestKey || !key.test(text)) throw new RangeError('Not a key of the state store')
}

/** Throws a RangeError for what is no key or no moment, a StoreError for a value that is too large. */
export function requireRecord(
  record: { readonly key: string; readonly value: Uint8Array; readonly dueAt: number | undefined },
  maxValueBytes: number,
): void {
  requireKey(record.key)
  if (record.dueAt !== undefined && !Number.isSafeInteger(record.dueAt)) {
    throw new RangeError('Not a moment in whole milliseconds')
  }
  const { length } = record.value
  if (length > maxValueBytes) {
    throw new StoreError('too-large', `The record has ${length} bytes, the store takes ${maxValueBytes}`)
  }
}
