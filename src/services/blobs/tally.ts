/** A running sum of what the box holds. */

/** What the box holds. */
export interface Held {
  readonly bytes: number
  readonly blobs: number
}

/** A blob as it stands, or stood, in its place. */
export interface Stood {
  readonly bytes: number
  /** When it was put there or changed last, as the file system tells the time, in nanoseconds. */
  readonly sinceNs: bigint
}

/** What became of the blob at a path inside the box; undefined where there was or is none. `after` is in bytes. */
export interface Change {
  readonly path: string
  readonly before: Stood | undefined
  readonly after: number | undefined
}

/**
 * Adds what comes and takes off what goes, but never what it has not added: what others have put since the beginning is
 * not known here.
 */
export class Tally {
  #bytes = 0
  #blobs = 0
  #startNs: bigint | undefined
  /** What has been added of blobs that are younger than the beginning, by their paths. */
  readonly #young = new Map<string, number>()

  /** Blobs that stood there before this time were added; until it is told, all are taken to have been. */
  startsAt(ns: bigint): void {
    this.#startNs = ns
  }

  /** What there is; never less than nothing. */
  get held(): Held {
    return { bytes: Math.max(0, this.#bytes), blobs: Math.max(0, this.#blobs) }
  }

  /** Adds a blob that was found. */
  found(path: string, stood: Stood): void {
    this.#bytes += stood.bytes
    this.#blobs++
    if (!this.#isOld(stood)) this.#young.set(path, stood.bytes)
  }

  /** Adds to one that was found. */
  grew(path: string, bytes: number): void {
    this.#bytes += bytes
    const known = this.#young.get(path)
    if (known !== undefined) this.#young.set(path, known + bytes)
  }

  /** Notes a change by this process. */
  changed({ path, before, after }: Change): void {
    const known = this.#young.get(path) ?? (before !== undefined && this.#isOld(before) ? before.bytes : undefined)
    this.#young.delete(path)
    if (known !== undefined) this.#blobs--
    this.#bytes += (after ?? 0) - (known ?? 0)
    if (after === undefined) return
    this.#blobs++
    if (this.#startNs !== undefined) this.#young.set(path, after)
  }

  #isOld({ sinceNs }: Stood): boolean {
    return this.#startNs === undefined || sinceNs < this.#startNs
  }
}
