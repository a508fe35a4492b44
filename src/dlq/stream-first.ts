/** Dead letters in a stream that the fleet shares, and in files where it fails. */
import { BoundedMap } from '../lib/bounded-map.ts'
import type { Clock } from '../lib/clock.ts'
import { mergeDescending } from '../lib/merge-descending.ts'
import type { Logger } from '../observe/logger.ts'
import type { DeadLetter } from '../protocol/dead-letter.ts'
import type { Claim, Claimed, DeadLetterStore, KeptDeadLetter, ReplayMark } from '../store/dead-letter-store.ts'
import { StoreError } from '../store/state-store.ts'

/** How long nothing is written to a stream that has failed, in milliseconds: each attempt may take seconds. */
const awayMs = 2_000
/** So many entries are remembered with where they are, for so long, in milliseconds: as many as somebody may list and replay. */
const remembered = { maxEntries: 100_000, maxAgeMs: 600_000 }
/** Entries that were told lately are not told again: what is in both places may be at another place in their orders. */
const recent = 1_000

interface Parts {
  readonly stream: DeadLetterStore
  readonly files: DeadLetterStore
  readonly clock: Clock
  readonly log: Logger
}

interface Origin {
  readonly inStream: boolean
  readonly inFiles: boolean
}

/** Writes to the stream, or to the files when that fails; reads both as one. */
export class StreamFirst implements DeadLetterStore {
  readonly place: string
  readonly #parts: Parts
  readonly #origins: BoundedMap<string, Origin>
  /** The last write to the stream failed; until when the next one waits, on the monotonic clock. */
  #away: { readonly until: number } | undefined
  #toldTooLarge = false

  constructor(parts: Parts) {
    this.#parts = parts
    this.place = `${parts.stream.place} or ${parts.files.place}`
    this.#origins = new BoundedMap(remembered, parts.clock)
  }

  async write(record: DeadLetter, signal?: AbortSignal): Promise<void> {
    const { files } = this.#parts
    const problem = await this.#writeToStream(record, signal)
    if (problem === undefined) return
    signal?.throwIfAborted()
    try {
      await files.write(record, signal)
    } catch (cause) {
      throw new Error(`${wordsOf(cause)}; and before that: ${problem}`, { cause })
    }
  }

  async *entries(signal: AbortSignal): AsyncGenerator<KeptDeadLetter, void> {
    const { stream, files } = this.#parts
    const told = new BoundedMap<string, true>({ ...remembered, maxEntries: recent }, this.#parts.clock)
    const sources = [from(stream, 'inStream', signal), from(files, 'inFiles', signal)]
    for await (const { kept, where } of mergeDescending(sources, ({ kept: { record } }) => record.id)) {
      const { id } = kept.record
      const known = told.get(id) === undefined ? nowhere : (this.#origins.get(id) ?? nowhere)
      this.#origins.set(id, { ...known, [where]: true })
      if (told.get(id) !== undefined) continue
      told.set(id, true)
      yield kept
    }
  }

  async find(id: string, signal: AbortSignal): Promise<KeptDeadLetter | undefined> {
    const { stream, files } = this.#parts
    const [streamed, filed] = await Promise.all([stream.find(id, signal), files.find(id, signal)])
    this.#origins.set(id, { inStream: streamed !== undefined, inFiles: filed !== undefined })
    const found = streamed ?? filed
    return found && { ...found, mark: newest(streamed?.mark, filed?.mark) }
  }

  /** Of an entry in both places the stream is asked first, for it decides for everybody. */
  async claim(claim: Claim, signal: AbortSignal): Promise<Claimed> {
    const { inStream, inFiles } = await this.#whereAre(claim.ids, signal)
    const { stream, files } = this.#parts
    if (!inFiles) return stream.claim(claim, signal)
    if (!inStream) return files.claim(claim, signal)
    const granted = await stream.claim(claim, signal)
    if (granted.kind === 'taken') return granted
    let claimed: Claimed | undefined
    try {
      claimed = await files.claim({ ...claim, atLeast: granted.n }, signal)
      return claimed
    } finally {
      if (claimed?.kind !== 'granted') await stream.settle(claim, granted.n, 'failed', signal)
    }
  }

  async settle(claim: Claim, n: number, state: 'done' | 'failed', signal: AbortSignal): Promise<void> {
    const { inStream, inFiles } = await this.#whereAre(claim.ids, signal)
    const { stream, files } = this.#parts
    const settled = await Promise.allSettled([
      inStream || !inFiles ? stream.settle(claim, n, state, signal) : undefined,
      inFiles ? files.settle(claim, n, state, signal) : undefined,
    ])
    const failed = settled.find((each) => each.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }

  async purge(matches: (kept: KeptDeadLetter) => boolean, signal: AbortSignal): Promise<number> {
    const { stream, files } = this.#parts
    const inFiles = new Set<string>()
    let inBoth = 0
    const filed = await files.purge((kept) => {
      const matched = matches(kept)
      if (matched) inFiles.add(kept.record.id)
      return matched
    }, signal)
    const streamed = await stream.purge((kept) => {
      const matched = matches(kept)
      if (matched && inFiles.delete(kept.record.id)) inBoth += 1
      return matched
    }, signal)
    return filed + streamed - inBoth
  }

  size(): { readonly bytes: number; readonly entries: number } | undefined {
    const { stream, files } = this.#parts
    const [streamed, filed] = [stream.size(), files.size()]
    if (streamed === undefined || filed === undefined) return streamed ?? filed
    return { bytes: streamed.bytes + filed.bytes, entries: streamed.entries + filed.entries }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { stream, files } = this.#parts
    await stream[Symbol.asyncDispose]()
    await files[Symbol.asyncDispose]()
  }

  /** Why it is not in the stream; undefined: it is. */
  async #writeToStream(record: DeadLetter, signal: AbortSignal | undefined): Promise<string | undefined> {
    const { stream, clock, log } = this.#parts
    if (this.#away !== undefined && clock.monotonic() < this.#away.until) return `${stream.place} failed lately`
    try {
      await stream.write(record, signal)
      if (this.#away !== undefined) log.info(`Dead letters go to ${stream.place} again`)
      this.#away = undefined
      return undefined
    } catch (error) {
      if (signal?.aborted === true) throw error
      this.#tellOf(error)
      return wordsOf(error)
    }
  }

  /** A record that is too large says nothing against the stream. */
  #tellOf(error: unknown): void {
    const { stream, files, clock, log } = this.#parts
    const context = { stream: stream.place, path: files.place }
    if (error instanceof StoreError && error.reason === 'too-large') {
      if (!this.#toldTooLarge) log.warn('Dead letters that are too large for the stream go to the file', { context })
      this.#toldTooLarge = true
      return
    }
    if (this.#away === undefined) log.warn('Dead letters go to the file, for the stream fails', { error, context })
    this.#away = { until: clock.monotonic() + awayMs }
  }

  async #whereAre(ids: readonly string[], signal: AbortSignal): Promise<Origin> {
    let all = nowhere
    for (const id of ids) {
      if (this.#origins.get(id) === undefined) await this.find(id, signal)
      const one = this.#origins.get(id) ?? nowhere
      all = { inStream: all.inStream || one.inStream, inFiles: all.inFiles || one.inFiles }
    }
    return all
  }
}

const nowhere: Origin = { inStream: false, inFiles: false }

async function* from(store: DeadLetterStore, where: keyof Origin, signal: AbortSignal) {
  for await (const kept of store.entries(signal)) yield { kept, where }
}

/** The word that came last: the numbers of replays only grow. */
function newest(one: ReplayMark | undefined, other: ReplayMark | undefined): ReplayMark | undefined {
  return one !== undefined && (other === undefined || one.n >= other.n) ? one : other
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
