import { unlessAborted } from '../lib/unless-aborted.ts'
import {
  type Entry,
  requireKey,
  requireRecord,
  type StateStore,
  StoreError,
  type Version,
} from '../store/state-store.ts'
import { absence, reasonOf } from './jetstream-api.ts'
import type { RecordIndex } from './record-index.ts'
import { type LinkParts, type OpenedBucket, StateLink } from './state-link.ts'

/** How many records are asked for at once. */
const readAhead = 32
/** How long a write that failed speaks against the store, in milliseconds, before another may try. */
const faultMs = 5_000

/** The state in a key-value bucket of JetStream, which all workers share. */
export class KvStateStore implements StateStore {
  readonly reach = 'fleet'
  readonly #link: StateLink
  readonly #clock: LinkParts['clock']
  #fault: { readonly reason: string; readonly until: number } | undefined

  /** It is there when its health says so. */
  constructor(parts: LinkParts) {
    this.#link = new StateLink(parts)
    this.#clock = parts.clock
  }

  get maxValueBytes(): number {
    return this.#link.maxValueBytes
  }

  health(): string {
    const fault = this.#fault
    return this.#link.problem ?? (fault && fault.until > this.#clock.monotonic() ? fault.reason : 'ok')
  }

  async create(key: string, value: Uint8Array, dueAt: number | undefined, signal: AbortSignal) {
    requireRecord({ key, value, dueAt }, this.maxValueBytes)
    const sequence = await this.#write(signal, ({ records }) => records.create(key, value, dueAt))
    return this.#stored(key, sequence, dueAt)
  }

  async get(key: string, signal: AbortSignal): Promise<Entry | undefined> {
    requireKey(key)
    return this.#ask(signal, (bucket) => read(bucket, key))
  }

  async replace(version: Version, value: Uint8Array, dueAt: number | undefined, signal: AbortSignal) {
    requireRecord({ ...version, value, dueAt }, this.maxValueBytes)
    const sequence = await this.#write(signal, ({ records }) => records.replace(version, value, dueAt))
    return this.#stored(version.key, sequence, dueAt)
  }

  async remove(version: Version, signal: AbortSignal): Promise<boolean> {
    requireKey(version.key)
    const sequence = await this.#write(signal, ({ records }) => records.remove(version))
    if (sequence !== undefined) this.#index.removed(version.key, sequence)
    return sequence !== undefined
  }

  async list(prefix: string, after: string | undefined, limit: number, signal: AbortSignal) {
    const entries: Entry[] = []
    let last = after
    while (entries.length < limit) {
      const most = Math.min(readAhead, limit - entries.length)
      const from = last
      const { keys, found } = await this.#ask(signal, async (bucket) => {
        const page = bucket.index.keys(prefix, from, most)
        return { keys: page, found: await Promise.all(page.map((key) => read(bucket, key))) }
      })
      entries.push(...found.filter((entry) => entry !== undefined))
      if (keys.length < most) break
      last = keys.at(-1)
    }
    return entries
  }

  due(now: number, limit: number, signal: AbortSignal): Promise<readonly string[]> {
    return this.#ask(signal, async ({ index }) => index.due(now, limit))
  }

  count(prefix: string): number {
    return this.#index.count(prefix)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#link[Symbol.dispose]()
  }

  get #index(): RecordIndex {
    return this.#link.index
  }

  #stored(key: string, sequence: number | undefined, dueAt: number | undefined): string | undefined {
    if (sequence === undefined) return undefined
    this.#index.stored(key, sequence, dueAt)
    return String(sequence)
  }

  async #write<T>(signal: AbortSignal, work: (bucket: OpenedBucket) => Promise<T>): Promise<T> {
    try {
      const result = await this.#ask(signal, work)
      this.#fault = undefined
      return result
    } catch (error) {
      if (error instanceof StoreError && error.reason === 'unreachable') {
        this.#fault = { reason: error.message, until: this.#clock.monotonic() + faultMs }
      }
      throw error
    }
  }

  /** A bucket that somebody has deleted is made again, and asked once more: nobody has heard the first question. */
  async #ask<T>(signal: AbortSignal, work: (bucket: OpenedBucket) => Promise<T>): Promise<T> {
    signal.throwIfAborted()
    const bucket = await this.#link.opened(signal)
    try {
      return await unlessAborted(work(bucket), signal)
    } catch (error) {
      if (signal.aborted || error instanceof StoreError) throw error
      if (absence(error) === 'not-known') throw unreachable(error)
      this.#link.gone(bucket)
    }
    const again = await this.#link.opened(signal)
    try {
      return await unlessAborted(work(again), signal)
    } catch (error) {
      throw signal.aborted || error instanceof StoreError ? error : unreachable(error)
    }
  }
}

/** What the index names and the bucket has not is forgotten. */
async function read({ records, index }: OpenedBucket, key: string): Promise<Entry | undefined> {
  const known = index.known(key)
  const entry = await records.get(key)
  if (entry === undefined) index.gone(key, known)
  return entry
}

function unreachable(cause: unknown): StoreError {
  return new StoreError('unreachable', `The state cannot be reached: ${reasonOf(cause)}`, { cause })
}
