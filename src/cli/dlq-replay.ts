import type { Replayed } from '../exchange/replay-end.ts'
import { replayable, replayId } from '../exchange/replay-message.ts'
import { type PlannedReplay, planReplays, type ReplayRequest, type Skip } from '../exchange/replay-plan.ts'
import { oneLine } from '../lib/one-line.ts'
import type { JsonObject } from '../protocol/json.ts'
import type { DeadLetterStore, KeptDeadLetter } from '../store/dead-letter-store.ts'
import { jsonRow } from './dlq-text.ts'
import { exitCodes } from './exit-code.ts'
import type { Output } from './output.ts'

interface Replays {
  readonly store: DeadLetterStore
  readonly request: ReplayRequest
  /** Undefined: only says what would be sent. */
  readonly send: ((planned: PlannedReplay) => Promise<Replayed>) | undefined
  readonly json: boolean
  readonly output: Output
  readonly signal: AbortSignal
}

/** What is said of an entry. */
interface Word {
  readonly id: string
  readonly outcome: 'sent' | 'would be sent' | 'not sent' | 'unsure' | 'replayed before'
  /** The id of the job that runs now, or whose result was published. */
  readonly as?: string
  readonly what?: 'job' | 'result'
  readonly why?: string
}

/** Replays what is asked for, oldest first: 1 when something could not be sent, 3 when NATS went away. */
export async function replayDeadLetters(replays: Replays): Promise<number> {
  const { store, request, send, output, signal } = replays
  const said = new Report(replays)
  const skip = (skipped: Skip): void => said.say(wordOnSkip(skipped))
  const { replays: planned, hasMore } = await planReplays(() => said.countLeftOut(store.entries(signal)), request, skip)
  let [tried, isOffline] = [0, false]
  for (const [at, each] of planned.entries()) {
    if (signal.aborted) break
    output.progress(`${at} of ${planned.length} replayed`)
    const replayed = await send?.(each)
    said.say(replayed === undefined ? await wordOnPlan(each, replays) : wordOn(each.id, replayed))
    tried = at + 1
    isOffline = replayed?.kind === 'failed' && replayed.cause === 'offline'
    if (isOffline) break
  }
  output.progress('')
  const code = said.end({ hasMore, untried: planned.length - tried, interrupted: signal.aborted })
  return isOffline ? exitCodes.unreachable : code
}

/** How it ended: what the limit left out, and how many were not tried. */
interface End {
  readonly hasMore: boolean
  readonly untried: number
  readonly interrupted: boolean
}

/** Says a word on each entry as it comes, and a last one on all. */
class Report {
  readonly #replays: Pick<Replays, 'request' | 'send' | 'json' | 'output'>
  readonly #leftOut = new Set<string>()
  readonly #counts = { sent: 0, failed: 0, before: 0 }

  constructor(replays: Pick<Replays, 'request' | 'send' | 'json' | 'output'>) {
    this.#replays = replays
  }

  say(word: Word): void {
    const { request, json, output } = this.#replays
    const isDone = word.outcome === 'replayed before'
    const isSent = word.outcome === 'sent' || word.outcome === 'would be sent'
    this.#counts[isDone ? 'before' : isSent ? 'sent' : 'failed'] += 1
    // Of those that were replayed long ago there may be many.
    if (isDone && request.ids === undefined) return
    if (json) void output.print(jsonRow({ ...word } satisfies JsonObject))
    else if (isSent) void output.print(sentence(word))
    else output.complain(sentence(word))
  }

  /** The same entries; those that are left out as the callers' own faults are counted once, however often they come by. */
  async *countLeftOut(entries: AsyncIterable<KeptDeadLetter>): AsyncGenerator<KeptDeadLetter, void> {
    const { request } = this.#replays
    for await (const kept of entries) {
      if (kept.rejected && !request.rejected && request.matches(kept)) this.#leftOut.add(kept.record.id)
      yield kept
    }
  }

  end({ hasMore, untried, interrupted }: End): number {
    const { output, request, send } = this.#replays
    const { sent, failed, before } = this.#counts
    const isWhole = failed === 0 && !interrupted
    const leftOut = this.#leftOut.size
    if (!isWhole || hasMore || output.stderrIsTerminal || (leftOut > 0 && sent === 0)) {
      const [would, wouldNot] = send === undefined ? ['would be sent', 'would not'] : ['sent', 'not sent']
      const left = untried > 0 ? `; broken off, with ${untried} more to go` : ''
      const faults = leftOut > 0 ? `; ${leftOut} left out as callers' own faults (--reason)` : ''
      const more = hasMore ? `; there are more than ${request.limit} (--limit)` : ''
      output.complain(`${sent} ${would}, ${failed} ${wouldNot}, ${before} replayed before${left}${faults}${more}`)
    }
    return isWhole ? exitCodes.done : exitCodes.failed
  }
}

function sentence({ id, outcome, as, what, why }: Word): string {
  const named = as === undefined ? '' : what === 'result' ? `: the result of ${as}` : `: as ${as}`
  return oneLine(`${id} ${outcome}${named}${why === undefined ? '' : `: ${why}`}`)
}

async function wordOnPlan(
  { id, kept, n }: PlannedReplay,
  { store, signal }: Pick<Replays, 'store' | 'signal'>,
): Promise<Word> {
  const found = kept ?? (await store.find(id, signal))
  const what = found && replayable(found.record)
  if (found === undefined || what === undefined || typeof what === 'string') return wordOn(id, { kind: 'missing' })
  return { id, outcome: 'would be sent', what: what.kind, as: replayId(found.record, what, n) }
}

function wordOnSkip(skip: Skip): Word {
  const { id } = skip
  switch (skip.kind) {
    case 'done':
      return { id, outcome: 'replayed before', why: `on ${skip.mark.at} by ${skip.mark.by}; --force sends it again` }
    case 'begun':
      return wordOn(id, { kind: 'taken', mark: skip.mark })
    case 'unreplayable':
    case 'missing':
      return wordOn(id, skip)
    default:
      return skip satisfies never
  }
}

function wordOn(id: string, replayed: Replayed): Word {
  switch (replayed.kind) {
    case 'sent':
      return { id, outcome: 'sent', what: replayed.what, as: replayed.assignmentId }
    case 'taken': {
      const { state, at, by } = replayed.mark
      if (state === 'done') return { id, outcome: 'replayed before', why: `on ${at} by ${by}` }
      const why = `a replay was begun on ${at} by ${by} and may have been sent; --force sends it again`
      return { id, outcome: 'unsure', why }
    }
    case 'unsure':
      return { id, outcome: 'unsure', why: `${replayed.why}; it may have been sent` }
    case 'failed':
    case 'unreplayable':
      return { id, outcome: 'not sent', why: replayed.why }
    case 'missing':
      return { id, outcome: 'not sent', why: 'there is no such dead letter' }
    default:
      return replayed satisfies never
  }
}
