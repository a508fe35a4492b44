/** How much the box holds, and whether more fits. */
import { JobError } from '../../errors.ts'

/** What became of the blob at a path inside the box: its size before and after, undefined where there was or is none. */
export interface Change {
  readonly path: string
  readonly before: number | undefined
  readonly after: number | undefined
}

/** What the box holds. */
export interface Held {
  readonly bytes: number
  readonly blobs: number
}

/** Counts blobs and their bytes, and keeps room for those that are being written. */
export class Usage {
  readonly #limit: number | undefined
  #held: Held | undefined
  #reserved = 0
  #count: Count | undefined

  /** `limit` is the most bytes that may be held. */
  constructor(limit: number | undefined) {
    this.#limit = limit
  }

  /** Undefined until it was counted. */
  get held(): Held | undefined {
    return this.#held
  }

  /** Whether there is a limit, so that what is held must be known before anything is put. */
  get isLimited(): boolean {
    return this.#limit !== undefined
  }

  /** Notes what this process has done. */
  changed(change: Change): void {
    if (this.#held !== undefined) this.#held = sum(this.#held, change)
    this.#count?.noteChange(change)
  }

  /** Begins to count anew; what is held is replaced when the count is `done`. */
  recount(): Count {
    this.#count = new Count((held) => {
      this.#held = held
    })
    return this.#count
  }

  /** Room for a blob that may replace one of `replaced` bytes; to be disposed. */
  reserve(replaced: number): Reservation {
    let bytes = 0
    let kept = 0
    let freed = replaced
    const keep = (): void => {
      const wanted = Math.max(0, bytes - freed)
      const others = (this.#held?.bytes ?? 0) + this.#reserved - kept
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
  #held: Held = { bytes: 0, blobs: 0 }
  #reached = ''
  /** The folders that the walk is in, and the names that it found in each. */
  readonly #inside: { readonly folder: string; readonly names: ReadonlySet<string> }[] = []
  readonly #finish: (held: Held) => void

  constructor(finish: (held: Held) => void) {
    this.#finish = finish
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
  saw(path: string, size: number): void {
    this.pass(path)
    this.#held = sum(this.#held, { path, before: undefined, after: size })
  }

  /** There was no blob at this path. */
  pass(path: string): void {
    this.#reached = path
  }

  noteChange(change: Change): void {
    if (change.path <= this.#reached || this.#isUnseen(change.path)) this.#held = sum(this.#held, change)
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
    this.#finish({ bytes: Math.max(0, this.#held.bytes), blobs: Math.max(0, this.#held.blobs) })
  }
}

function sum({ bytes, blobs }: Held, { before, after }: Change): Held {
  return {
    bytes: bytes + (after ?? 0) - (before ?? 0),
    blobs: blobs + (after === undefined ? 0 : 1) - (before === undefined ? 0 : 1),
  }
}

function isOverLimit(limit: number): JobError {
  return new JobError('QUOTA_EXCEEDED', 'The blobs may not hold more', { details: { reason: 'total', limit } })
}
