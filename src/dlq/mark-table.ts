/** The marks of replays, as they follow from the lines of their file. */
import type { JsonObject } from '../protocol/json.ts'
import type { ReplayMark } from '../store/dead-letter-store.ts'

interface Known {
  readonly job: string
  readonly mark: ReplayMark
}

interface MarkLine extends ReplayMark {
  readonly job: string
  /** The entry that was sent, first, and those it stood for; all stood for when `through` says by which. */
  readonly ids: readonly string[]
}

/** The last mark of each entry, and how often each job was replayed. */
export class MarkTable {
  readonly #known = new Map<string, Known>()
  readonly #highest = new Map<string, number>()
  #lines = 0

  /** The last mark of an entry. */
  get(id: string): ReplayMark | undefined {
    return this.#known.get(id)?.mark
  }

  /** The number of the last replay of a job, 0 when there was none. */
  highest(job: string): number {
    return this.#highest.get(job) ?? 0
  }

  /** The entries that have marks. */
  get ids(): ReadonlySet<string> {
    return new Set(this.#known.keys())
  }

  /** Whether many lines say nothing any more. */
  get surplus(): boolean {
    return 2 * this.#lines > 3 * this.#known.size
  }

  /** Adds what a line says; a mark of an earlier replay changes nothing. A line that cannot be understood is left out. */
  add(value: JsonObject): void {
    this.#lines += 1
    if (!isMarkLine(value)) return
    const { job, ids, state, at, by, n } = value
    const [first = ''] = ids
    for (const id of ids) {
      const through = value.through ?? (id === first ? undefined : first)
      const mark = { state, at, by, n, ...(through === undefined ? {} : { through }) }
      if (n >= (this.get(id)?.n ?? 0)) this.#known.set(id, { job, mark })
    }
    this.#highest.set(job, Math.max(n, this.highest(job)))
  }

  /** Forgets the marks of all other entries. */
  keep(ids: ReadonlySet<string>): void {
    for (const id of this.#known.keys()) if (!ids.has(id)) this.#known.delete(id)
  }

  /** Lines that say the same as all that were added. */
  lines(): readonly MarkLine[] {
    const claims = Map.groupBy(this.#known, ([, { job, mark }]) => `${mark.n} ${job}`)
    return [...claims.values()].flatMap((group) => {
      const sent = group.find(([, { mark }]) => mark.through === undefined)
      const ordered = sent === undefined ? group : [sent, ...group.filter((each) => each !== sent)]
      const [first] = ordered
      return first === undefined ? [] : [{ job: first[1].job, ids: ordered.map(([id]) => id), ...first[1].mark }]
    })
  }
}

function isMarkLine(value: JsonObject): value is JsonObject & MarkLine {
  const { job, ids, state, at, by, n, through } = value
  return (
    typeof job === 'string' &&
    Array.isArray(ids) &&
    ids.every((id) => typeof id === 'string') &&
    (state === 'begun' || state === 'done' || state === 'failed') &&
    typeof at === 'string' &&
    typeof by === 'string' &&
    typeof n === 'number' &&
    (through === undefined || typeof through === 'string')
  )
}
