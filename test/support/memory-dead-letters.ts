import { type DeadLetter, isCallersFault } from '../../src/protocol/dead-letter.ts'
import type { Claim, Claimed, DeadLetterStore, KeptDeadLetter, ReplayMark } from '../../src/store/dead-letter-store.ts'

/** Dead letters in the memory of a test, kept by all the rules of the port. */
export class MemoryDeadLetters implements DeadLetterStore {
  readonly place = 'memory'
  readonly marks = new Map<string, ReplayMark>()
  #records: DeadLetter[] = []
  readonly #counted = new Map<string, number>()

  write(record: DeadLetter): Promise<void> {
    this.#records.push(record)
    return Promise.resolve()
  }

  async *entries(signal: AbortSignal): AsyncGenerator<KeptDeadLetter> {
    for (const record of this.#records.toReversed()) {
      signal.throwIfAborted()
      await Promise.resolve()
      yield this.#kept(record)
    }
  }

  find(id: string): Promise<KeptDeadLetter | undefined> {
    const record = this.#records.find((each) => each.id === id)
    return Promise.resolve(record && this.#kept(record))
  }

  claim({ job, ids, atLeast, force, by }: Claim): Promise<Claimed> {
    const taken = ids.map((id) => this.marks.get(id)).find((mark) => mark !== undefined && mark.state !== 'failed')
    if (taken !== undefined && !force) return Promise.resolve({ kind: 'taken', mark: taken })
    const n = Math.max(atLeast, (this.#counted.get(job) ?? 0) + 1)
    this.#counted.set(job, n)
    this.#mark(ids, { state: 'begun', at: new Date(0).toISOString(), by, n })
    return Promise.resolve({ kind: 'granted', n })
  }

  settle({ ids, by }: Claim, n: number, state: 'done' | 'failed'): Promise<void> {
    this.#mark(ids, { state, at: new Date(0).toISOString(), by, n })
    return Promise.resolve()
  }

  purge(matches: (kept: KeptDeadLetter) => boolean): Promise<number> {
    const before = this.#records.length
    this.#records = this.#records.filter((record) => !matches(this.#kept(record)))
    return Promise.resolve(before - this.#records.length)
  }

  size(): { readonly bytes: number; readonly entries: number } {
    return { bytes: JSON.stringify(this.#records).length, entries: this.#records.length }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve()
  }

  #kept(record: DeadLetter): KeptDeadLetter {
    return { record, mark: this.marks.get(record.id), rejected: isCallersFault(record) }
  }

  #mark(ids: Claim['ids'], mark: ReplayMark): void {
    const [first] = ids
    for (const id of ids) this.marks.set(id, id === first ? mark : { ...mark, through: first })
  }
}
