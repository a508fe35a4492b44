import { firstOf } from '../lib/first-of.ts'
import { type Entry, requireKey, requireRecord, type StateStore, type Version } from './state-store.ts'

interface Kept {
  readonly value: Uint8Array
  readonly revision: string
  readonly dueAt: number | undefined
}

/** Records that go with the process: for `dev`, `run` and tests. */
export class MemoryStateStore implements StateStore {
  readonly maxValueBytes: number
  readonly reach = 'process'
  readonly #records = new Map<string, Kept>()
  #revision = 0

  constructor({ maxValueBytes = 1_000_000 }: { readonly maxValueBytes?: number } = {}) {
    this.maxValueBytes = maxValueBytes
  }

  health(): string {
    return 'ok'
  }

  async create(key: string, value: Uint8Array, dueAt: number | undefined, signal: AbortSignal) {
    this.#check(key, value, dueAt, signal)
    return this.#records.has(key) ? undefined : this.#keep(key, value, dueAt)
  }

  async get(key: string, signal: AbortSignal): Promise<Entry | undefined> {
    signal.throwIfAborted()
    requireKey(key)
    const kept = this.#records.get(key)
    return kept && entry(key, kept)
  }

  async replace({ key, revision }: Version, value: Uint8Array, dueAt: number | undefined, signal: AbortSignal) {
    this.#check(key, value, dueAt, signal)
    return this.#records.get(key)?.revision === revision ? this.#keep(key, value, dueAt) : undefined
  }

  async remove({ key, revision }: Version, signal: AbortSignal): Promise<boolean> {
    signal.throwIfAborted()
    requireKey(key)
    return this.#records.get(key)?.revision === revision && this.#records.delete(key)
  }

  async list(prefix: string, after: string | undefined, limit: number, signal: AbortSignal) {
    signal.throwIfAborted()
    const keys = this.#records.keys().filter((key) => key.startsWith(prefix) && (after === undefined || key > after))
    return firstOf(keys, limit, (a, b) => (a < b ? -1 : 1)).flatMap((key) => {
      const kept = this.#records.get(key)
      return kept === undefined ? [] : [entry(key, kept)]
    })
  }

  async due(now: number, limit: number, signal: AbortSignal): Promise<readonly string[]> {
    signal.throwIfAborted()
    const due = this.#records
      .entries()
      .flatMap(([key, { dueAt }]) => (dueAt !== undefined && dueAt <= now ? [{ key, dueAt }] : []))
    return firstOf(due, limit, (a, b) => a.dueAt - b.dueAt).map(({ key }) => key)
  }

  count(prefix: string): number {
    return this.#records.keys().reduce((sum, key) => sum + (key.startsWith(prefix) ? 1 : 0), 0)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#records.clear()
  }

  #check(key: string, value: Uint8Array, dueAt: number | undefined, signal: AbortSignal): void {
    signal.throwIfAborted()
    requireRecord({ key, value, dueAt }, this.maxValueBytes)
  }

  #keep(key: string, value: Uint8Array, dueAt: number | undefined): string {
    const revision = String(++this.#revision)
    this.#records.set(key, { value: value.slice(), revision, dueAt })
    return revision
  }
}

function entry(key: string, { value, revision }: Kept): Entry {
  return { key, value: value.slice(), revision }
}
