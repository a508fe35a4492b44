/** How much is kept, counted beside the work: only what was added since the last time is read. */
import type { Clock } from '../lib/clock.ts'
import { idOf } from './entry-times.ts'
import { linesForwards } from './lines.ts'
import { openOwn, undefinedIfMissing } from './own-file.ts'
import type { RotatedFiles } from './rotated-files.ts'

interface Counted {
  readonly bytes: number
  readonly entries: number
}

interface CountedFile extends Counted {
  /** Tells it from a later file of the same number. */
  readonly first: string
}

/** Other processes write here too, so what is known is looked at again after this long, when somebody asks. */
const freshMs = 5000

/** Counts the entries of some sets of files, from the first time that somebody asks. */
export class EntryCount implements AsyncDisposable {
  readonly #sets: readonly RotatedFiles[]
  readonly #clock: Clock
  readonly #closing = new AbortController()
  #files = new Map<number, CountedFile>()
  /** Entries that were added to files since they were counted. */
  #added = new Map<number, number>()
  #known: Counted | undefined
  #countedAtMs = Number.NEGATIVE_INFINITY
  #counting: Promise<void> | undefined

  constructor(sets: readonly RotatedFiles[], clock: Clock) {
    this.#sets = sets
    this.#clock = clock
  }

  /** What was last counted; undefined until that is done. */
  get size(): Counted | undefined {
    const isFresh = this.#clock.monotonic() - this.#countedAtMs < freshMs
    if (!(isFresh || this.#closing.signal.aborted)) this.#counting ??= this.#count()
    return this.#known
  }

  /** Adds what was written to the file of this number, until it is counted. */
  add(ino: number, bytes: number, entries: number): void {
    if (this.#known === undefined) return
    this.#known = { bytes: this.#known.bytes + bytes, entries: this.#known.entries + entries }
    this.#added.set(ino, (this.#added.get(ino) ?? 0) + entries)
  }

  /** Takes away the file of this number, which was so large. */
  removed(ino: number, bytes: number): void {
    const entries = (this.#files.get(ino)?.entries ?? 0) + (this.#added.get(ino) ?? 0)
    this.#files.delete(ino)
    this.#added.delete(ino)
    if (this.#known === undefined) return
    // What other processes wrote to it was never added.
    this.#known = {
      bytes: Math.max(0, this.#known.bytes - bytes),
      entries: Math.max(0, this.#known.entries - entries),
    }
  }

  /** Says that files were changed elsewhere than at their end. */
  forget(): void {
    this.#files = new Map()
    this.#countedAtMs = Number.NEGATIVE_INFINITY
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort()
    await this.#counting
  }

  async #count(): Promise<void> {
    this.#countedAtMs = this.#clock.monotonic()
    try {
      const files = new Map<number, CountedFile>()
      for (const set of this.#sets) {
        for (const path of await set.paths()) await this.#countFile(path, files)
      }
      const all = [...files.values()]
      const sum = (of: (file: CountedFile) => number): number => all.reduce((total, file) => total + of(file), 0)
      this.#files = files
      this.#added = new Map()
      this.#known = { bytes: sum(({ bytes }) => bytes), entries: sum(({ entries }) => entries) }
    } catch {
      // What cannot be read now is told elsewhere; the next one who asks tries again.
    } finally {
      this.#counting = undefined
    }
  }

  async #countFile(path: string, files: Map<number, CountedFile>): Promise<void> {
    const opened = await openOwn(path, 'read').catch(undefinedIfMissing)
    if (opened === undefined) return
    await using file = opened
    const { ino } = await file.stat()
    const { buffer } = await file.read(Buffer.alloc(64), 0, 64, 0)
    const first = idOf(buffer) ?? ''
    const before = this.#files.get(ino)
    let { bytes, entries } = before?.first === first ? before : { bytes: 0, entries: 0 }
    for await (const line of linesForwards(file, bytes, this.#closing.signal)) {
      bytes = line.at + line.bytes.length + 1
      if (idOf(line.bytes) !== undefined) entries += 1
    }
    files.set(ino, { bytes, entries, first })
  }
}
