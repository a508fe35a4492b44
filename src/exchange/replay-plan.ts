/** What a replay of many dead letters will send, and what it leaves out. */
import { deadLetterLine } from '../protocol/dead-letter.ts'
import type { KeptDeadLetter, ReplayMark } from '../store/dead-letter-store.ts'
import { lineage, replayable } from './replay-message.ts'

/** What is to be replayed. */
export interface ReplayRequest {
  /** Only these; undefined: whatever `matches`. */
  readonly ids?: ReadonlySet<string> | undefined
  readonly matches: (kept: KeptDeadLetter) => boolean
  /** Also what is the callers' own fault. */
  readonly rejected: boolean
  /** Also what has been replayed, or may have been. */
  readonly force: boolean
  /** The most jobs and results that are sent. */
  readonly limit: number
}

/** One job or result that is to be sent. */
export interface PlannedReplay {
  readonly id: string
  /** Undefined where there was no room to keep it at hand: then it is read again. */
  readonly kept: KeptDeadLetter | undefined
  /** Other entries of the job, for which it stands. */
  readonly covers: readonly string[]
  /** The number it would get now. */
  readonly n: number
}

/** Why an entry that was asked for is left out. */
export type Skip =
  | { readonly id: string; readonly kind: 'done' | 'begun'; readonly mark: ReplayMark }
  | { readonly id: string; readonly kind: 'unreplayable'; readonly why: string }
  | { readonly id: string; readonly kind: 'missing' }

/** The result of planning. */
export interface ReplayPlan {
  /** Oldest first. */
  readonly replays: readonly PlannedReplay[]
  /** There is more than the limit lets through. */
  readonly hasMore: boolean
}

interface Choice extends PlannedReplay {
  readonly kind: 'job' | 'result'
  readonly covers: string[]
  n: number
}

/** One stands for at most so many others, the newest: those who replay for all tenants share the room for marks. */
const mostCovered = 500

/** How much of the entries is kept at hand between planning and sending, in characters of their lines. */
const roomCharacters = 32_000_000

/**
 * Chooses among the entries (newest first, gone through twice). Of those of one job the newest that can be sent stands
 * for all that were asked for, and a job also for the others that would send it again. Tells of what is left out.
 */
export async function planReplays(
  entries: () => AsyncIterable<KeptDeadLetter>,
  request: ReplayRequest,
  skip: (skip: Skip) => void,
): Promise<ReplayPlan> {
  const choosing = new Choosing(request, skip)
  for await (const kept of entries()) {
    if (isWanted(kept, request)) choosing.consider(kept)
    if (choosing.isOver) break
  }
  choosing.end()
  const { chosen, hasMore } = choosing
  if (chosen.size > 0) await complete(entries(), chosen, request)
  return { replays: [...chosen.values()].toReversed(), hasMore }
}

/** The first time through: which entries are sent. */
class Choosing {
  readonly #request: ReplayRequest
  readonly #skip: (skip: Skip) => void
  readonly #missing: Set<string>
  #room = roomCharacters
  /** By job, newest first. */
  readonly chosen = new Map<string, Choice>()
  hasMore = false

  constructor(request: ReplayRequest, skip: (skip: Skip) => void) {
    this.#request = request
    this.#skip = skip
    this.#missing = new Set(request.ids)
  }

  get isOver(): boolean {
    return this.hasMore || (this.#request.ids !== undefined && this.#missing.size === 0)
  }

  consider(kept: KeptDeadLetter): void {
    const { record, mark } = kept
    const { id } = record
    this.#missing.delete(id)
    if (!this.#request.force && mark !== undefined && mark.state !== 'failed') {
      return this.#skip({ id, kind: mark.state, mark })
    }
    const what = replayable(record)
    if (typeof what === 'string') return this.#skip({ id, kind: 'unreplayable', why: what })
    const { job, atLeast } = lineage(record)
    if (this.chosen.has(job)) return
    if (this.chosen.size === this.#request.limit) this.hasMore = true
    else this.chosen.set(job, { id, kind: what.kind, kept: this.#atHand(kept), covers: [], n: atLeast })
  }

  end(): void {
    if (this.hasMore) return
    for (const id of this.#missing) this.#skip({ id, kind: 'missing' })
  }

  #atHand(kept: KeptDeadLetter): KeptDeadLetter | undefined {
    // Not the length of the message: what a small one brought about may be large.
    const length = this.#room > 0 ? deadLetterLine(kept.record).length : 0
    if (length >= this.#room) return undefined
    this.#room -= length
    return kept
  }
}

function isWanted(kept: KeptDeadLetter, { ids, matches, rejected }: ReplayRequest): boolean {
  return (ids === undefined || ids.has(kept.record.id)) && (rejected || !kept.rejected) && matches(kept)
}

/** Finds what the chosen ones stand for, and how far the replays of their jobs are counted. */
async function complete(
  entries: AsyncIterable<KeptDeadLetter>,
  chosen: ReadonlyMap<string, Choice>,
  request: ReplayRequest,
): Promise<void> {
  for await (const kept of entries) {
    const { record, mark } = kept
    const { job, atLeast } = lineage(record)
    const choice = chosen.get(job)
    if (choice === undefined) continue
    choice.n = Math.max(choice.n, atLeast, (mark?.n ?? 0) + 1)
    const isOpen = record.id !== choice.id && (mark === undefined || mark.state === 'failed')
    const runsTheJob = choice.kind === 'job' && record.reason !== 'PUBLISH_ERROR'
    const isCovered = isOpen && (runsTheJob || isWanted(kept, request))
    if (isCovered && choice.covers.length < mostCovered) choice.covers.push(record.id)
  }
}
