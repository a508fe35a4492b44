import type { Clock } from './clock.ts'

interface Bounds {
  readonly maxEntries: number
  /** How long an entry is remembered, in milliseconds. */
  readonly maxAgeMs: number
  /** The sum of the sizes given with `set`; without it size does not count. */
  readonly maxSize?: number
}

interface Entry<K, V> {
  readonly key: K
  readonly value: V
  readonly size: number
  readonly expiresAt: number
}

/** A memory that cannot grow for ever: over any of its bounds the oldest entries are forgotten first. */
export class BoundedMap<K, V> {
  readonly #bounds: Bounds
  readonly #clock: Clock
  readonly #entries = new Map<K, Entry<K, V>>()
  /**
   * Every entry ever set and not yet forgotten, oldest first from `#first` on. Not the map's own order: starting to
   * iterate over a map walks past all that was deleted at its front, which made each `set` linear.
   */
  #order: (Entry<K, V> | undefined)[] = []
  #first = 0
  #size = 0

  constructor(bounds: Bounds, clock: Clock) {
    this.#bounds = bounds
    this.#clock = clock
  }

  get length(): number {
    return this.#entries.size
  }

  get(key: K): V | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    if (entry.expiresAt > this.#clock.monotonic()) return entry.value
    this.#remove(entry)
    return undefined
  }

  /** Remembers the value as the newest entry; `size` counts towards `maxSize`. */
  set(key: K, value: V, size = 0): void {
    this.delete(key)
    const now = this.#clock.monotonic()
    const entry = { key, value, size, expiresAt: now + this.#bounds.maxAgeMs }
    this.#entries.set(key, entry)
    this.#order.push(entry)
    this.#size += size
    this.#forget(now)
  }

  /** Every key that is remembered, in the order in which they were first set. */
  keys(): Iterable<K> {
    return this.#entries.keys()
  }

  /** Whether there was something to delete. */
  delete(key: K): boolean {
    const entry = this.#entries.get(key)
    if (entry === undefined) return false
    this.#remove(entry)
    return entry.expiresAt > this.#clock.monotonic()
  }

  #remove(entry: Entry<K, V>): void {
    this.#entries.delete(entry.key)
    this.#size -= entry.size
  }

  #forget(now: number): void {
    const { maxEntries, maxSize = Number.POSITIVE_INFINITY } = this.#bounds
    for (let oldest = this.#order[this.#first]; oldest !== undefined; oldest = this.#order[this.#first]) {
      const isPresent = this.#entries.get(oldest.key) === oldest
      const fits = this.#entries.size <= maxEntries && this.#size <= maxSize && oldest.expiresAt > now
      if (isPresent && fits) break
      if (isPresent) this.#remove(oldest)
      this.#order[this.#first++] = undefined
    }
    this.#compact()
  }

  /** Lets go of the part of the order that has been dealt with, and of entries that were replaced in the middle. */
  #compact(): void {
    if (this.#order.length < 2 * (this.#entries.size + 16)) return
    this.#order = this.#order.filter((entry) => entry !== undefined && this.#entries.get(entry.key) === entry)
    this.#first = 0
  }
}
