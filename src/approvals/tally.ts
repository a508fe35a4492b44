/** Counts the jobs that wait: a mark in the store for each, for records stay there after their end. */
import type { StateStore } from '../store/state-store.ts'

const prefix = 'parked.'
/** Some stores take nothing for no record at all. */
const mark = new Uint8Array([1])
const unlimited = new AbortController().signal

/** How many jobs wait, as far as is known. */
export class Tally {
  readonly #store: StateStore

  constructor(store: StateStore) {
    this.#store = store
  }

  get count(): number {
    return this.#store.count(prefix)
  }

  /** Entering twice is entering once, and so is leaving. */
  async enter(id: string): Promise<void> {
    await this.#store.create(`${prefix}${id}`, mark, undefined, unlimited)
  }

  async leave(id: string): Promise<void> {
    const entry = await this.#store.get(`${prefix}${id}`, unlimited)
    if (entry !== undefined) await this.#store.remove(entry, unlimited)
  }
}
