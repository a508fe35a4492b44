/** How much the box holds, and whether more fits. */
import { JobError } from '../../errors.ts'
import { type Change, type Held, type Stood, Tally } from './tally.ts'

/** Counts blobs and their bytes, and keeps room for those that are being written. */
export class Usage {
  readonly #limit: number | undefined
  #tally: Tally | undefined
  #reserved = 0
  #count: Count | undefined

  /** `limit` is the most bytes that may be held. */
  constructor(limit: number | undefined) {
    this.#limit = limit
  }

  /** Undefined until it was counted. */
  get held(): Held | undefined {
    return this.#tally?.held
  }

  /** Whether there is a limit, so that what is held must be known before anything is put. */
  get isLimited(): boolean {
    return this.#limit !== undefined
  }

  /** Notes what this process has done. */
  changed(change: Change): void {
    this.#tally?.changed(change)
    this.#count?.noteChange(change)
  }

  /** Begins to count anew; what is held is replaced when the count is `done`. */
  recount(): Count {
    this.#count = new Count((tally) => {
      this.#tally = tally
      this.#count = undefined
    })
    // Where there is no box yet, nothing in it is old.
    if (this.isLimited) this.#count.startsAt(0n)
    return this.#count
  }

  /** Room for a blob that may replace one of `replaced` bytes; to be disposed. */
  reserve(replaced: number): Reservation {
    let bytes = 0
    let kept = 0
    let freed = replaced
    const keep = (): void => {
      const wanted = Math.max(0, bytes - freed)
      const others = (this.held?.bytes ?? 0) + this.#reserved - kept
      if (this.#limit !== undefined && wanted > 0 && others + wanted > this.#limit) throw isOverLimit(this.#limit)
      this.#reserved += wanted - kept
      kept = wanted
    }
    return {
      grow(by) {
        bytes += by
        keep()
      },
      replaces(size) {
        freed = size
        keep()
      },
      [Symbol.dispose]: () => {
        this.#reserved -= kept
        kept = 0
      },
    }
  }
}

/** Room that is kept. */
export interface Reservation extends Disposable {
  /** QUOTA_EXCEEDED when so many more bytes do not fit. */
  grow(bytes: number): void
  /** What it replaces is now known to be of this size. QUOTA_EXCEEDED as above. */
  replaces(size: number): void
}

/**
 * A count by somebody who walks through the box in the order of paths (as JavaScript compares them) while it is in use:
 * what happens meanwhile counts where the walk has already been, and where it will not come.
 */
export class Count {
  readonly #tally = new Tally()
  #reached = ''
  /** The folders that the walk is in, and the names that it found in each. */
  readonly #inside: { readonly folder: string; readonly names: ReadonlySet<string> }[] = []
  readonly #finish: (tally: Tally) => void

  constructor(finish: (tally: Tally) => void) {
    this.#finish = finish
  }

  /** The walk begins at this time, as the file system tells it in nanoseconds; needed where others put blobs too. */
  startsAt(ns: bigint): void {
    this.#tally.startsAt(ns)
  }

  /** These names have been read in this folder (ending in `/`, or empty): no others will be seen. */
  enter(folder: string, names: Iterable<string>): void {
    this.#inside.push({ folder, names: new Set(names) })
  }

  /** All of the folder that was entered last has been seen. */
  leave(): void {
    const left = this.#inside.pop()
    if (left !== undefined) this.pass(`${left.folder}\uffff`)
  }

  /** The blob at this path has been seen. */
  saw(path: string, stood: Stood): void {
    this.pass(path)
    this.#tally.found(path, stood)
  }

  /** The blob that was just seen has so many bytes more. */
  sawMore(path: string, bytes: number): void {
    this.#tally.grew(path, bytes)
  }

  /** There was no blob at this path. */
  pass(path: string): void {
    this.#reached = path
  }

  noteChange(change: Change): void {
    if (change.path <= this.#reached || this.#isUnseen(change.path)) this.#tally.changed(change)
  }

  /** Whether the way to the path leads through something that came too late to be seen. */
  #isUnseen(path: string): boolean {
    const last = this.#inside.findLast(({ folder }) => path.startsWith(folder))
    if (last === undefined) return false
    const [name = ''] = path.slice(last.folder.length).split('/', 1)
    return !last.names.has(name)
  }

  /** The whole box has been seen. */
  done(): void {
    this.#reached = '\uffff'
    this.#finish(this.#tally)
  }
}

function isOverLimit(limit: number): JobError {
  return new JobError('QUOTA_EXCEEDED', 'The blobs may not hold more', { details: { reason: 'total', limit } })
}
