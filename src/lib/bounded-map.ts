import type { Clock } from './clock.ts'

interface Bounds {
  readonly maxEntries: number
  /** How long an entry is remembered, in milliseconds. */
  readonly maxAgeMs: number
  /** The sum of the sizes given with `set`; without it size does not count. */
  readonly maxSize?: number
}

/**
 * A memory that cannot grow for ever: over any of its bounds the oldest entries are forgotten first.
 *
 * The entries lie in a ring, in the order in which they were set, and the map says where. A map alone would keep that
 * order too, but starting to iterate over it walks past everything that was deleted at its front.
 */
export class BoundedMap<K, V> {
  readonly #bounds: Bounds
  readonly #clock: Clock
  readonly #places = new Map<K, number>()
  /** Undefined where an entry has been forgotten. */
  readonly #keys: (K | undefined)[] = []
  readonly #values: (V | undefined)[] = []
  readonly #sizes: number[] = []
  readonly #expiries: number[] = []
  /** Where the oldest entry may be, and where the next one goes; both count on and on. */
  #oldest = 0
  #next = 0
  #size = 0

  constructor(bounds: Bounds, clock: Clock) {
    this.#bounds = bounds
    this.#clock = clock
  }

  get length(): number {
    return this.#places.size
  }

  /** The sum of the sizes. */
  get size(): number {
    return this.#size
  }

  get(key: K): V | undefined {
    const place = this.#places.get(key)
    if (place === undefined) return undefined
    if ((this.#expiries[place] ?? 0) > this.#clock.monotonic()) return this.#values[place]
    this.#remove(place)
    return undefined
  }

  /** Every key that is remembered. */
  keys(): Iterable<K> {
    return this.#places.keys()
  }

  /** Remembers the value as the newest entry; `size` counts towards `maxSize`. */
  set(key: K, value: V, size = 0): void {
    const now = this.#clock.monotonic()
    this.delete(key)
    while (this.#places.size >= this.#bounds.maxEntries) this.#forgetOldest()
    if (this.#next - this.#oldest >= this.#ringLength) this.#closeGaps()
    const place = this.#placeOf(this.#next++)
    this.#places.set(key, place)
    this.#keys[place] = key
    this.#values[place] = value
    this.#sizes[place] = size
    this.#expiries[place] = now + this.#bounds.maxAgeMs
    this.#size += size
    this.#forget(now)
  }

  /** Whether it was remembered until now. */
  delete(key: K): boolean {
    const isRemembered = this.get(key) !== undefined
    const place = this.#places.get(key)
    if (place !== undefined) this.#remove(place)
    return isRemembered
  }

  #placeOf(count: number): number {
    return count % this.#ringLength
  }

  /** Room for some gaps, which entries that are deleted or replaced leave, so that they are closed many at a time. */
  get #ringLength(): number {
    return Math.ceil(this.#bounds.maxEntries * 1.125) + 1
  }

  #closeGaps(): void {
    let next = this.#oldest
    for (let count = this.#oldest; count < this.#next; count++) {
      const from = this.#placeOf(count)
      const key = this.#keys[from]
      if (key === undefined) continue
      const to = this.#placeOf(next++)
      if (to === from) continue
      this.#places.set(key, to)
      this.#keys[to] = key
      this.#values[to] = this.#values[from]
      this.#sizes[to] = this.#sizes[from] ?? 0
      this.#expiries[to] = this.#expiries[from] ?? 0
      this.#keys[from] = undefined
      this.#values[from] = undefined
    }
    this.#next = next
  }

  #forget(now: number): void {
    const { maxSize = Number.POSITIVE_INFINITY } = this.#bounds
    while (this.#oldest < this.#next) {
      const place = this.#placeOf(this.#oldest)
      const isHere = this.#keys[place] !== undefined
      if (isHere && this.#size <= maxSize && (this.#expiries[place] ?? 0) > now) return
      this.#forgetOldest()
    }
  }

  #forgetOldest(): void {
    this.#remove(this.#placeOf(this.#oldest++))
  }

  #remove(place: number): void {
    const key = this.#keys[place]
    if (key === undefined) return
    this.#places.delete(key)
    this.#keys[place] = undefined
    this.#values[place] = undefined
    this.#size -= this.#sizes[place] ?? 0
  }
}
