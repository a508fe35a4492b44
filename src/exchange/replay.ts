/** Replays: dead letters are claimed, sent and settled, so that whatever happens in between nothing is sent twice unasked. */
import { type Bus, PublishError } from '../bus/bus.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../observe/logger.ts'
import type { Claim, DeadLetterStore, KeptDeadLetter } from '../store/dead-letter-store.ts'
import { ReplayAudit } from './replay-audit.ts'
import type { FailedBy, Replayed } from './replay-end.ts'
import { lineage, type Replayable, replayable, replayId, replayMessage, type Wiring } from './replay-message.ts'
import { type PlannedReplay, planReplays, type ReplayPlan, type ReplayRequest, type Skip } from './replay-plan.ts'

interface Options extends Wiring {
  readonly store: Pick<DeadLetterStore, 'entries' | 'find' | 'claim' | 'settle'>
  readonly bus: Pick<Bus, 'publish' | 'flush' | 'connected'>
  readonly clock: Clock
  readonly log: Logger
}

/** Who replays, and whether also what may have been sent before. */
export interface ReplayOrder {
  /** `command`, `api` or `auto`, and from where. */
  readonly by: string
  readonly force: boolean
}

/** How long a replay waits for a connection, and then for the word that the message has arrived, in milliseconds. */
const connectLimitMs = 5_000
const publishLimitMs = 10_000

/** Replays dead letters of one place on one bus. */
export class Replayer {
  readonly #options: Options
  readonly #audit: ReplayAudit

  constructor(options: Options) {
    this.#options = options
    this.#audit = new ReplayAudit(options.log)
  }

  /** Chooses what to send, telling of what is left out. Reads everything, twice. */
  plan(request: ReplayRequest, skip: (skip: Skip) => void, signal: AbortSignal): Promise<ReplayPlan> {
    return planReplays(() => this.#options.store.entries(signal), request, skip)
  }

  /** Sends one. The signal ends it only before anything has been marked. Rejects when the dead letter cannot be read. */
  async send(planned: PlannedReplay, order: ReplayOrder, signal: AbortSignal): Promise<Replayed> {
    const kept = planned.kept ?? (await this.#options.store.find(planned.id, signal))
    return kept === undefined ? { kind: 'missing' } : this.#sendKept(kept, planned, order, signal)
  }

  /** The same for an entry that has been read, and that nobody has looked for others of its job. */
  sendOne(kept: KeptDeadLetter, covers: readonly string[], order: ReplayOrder, signal: AbortSignal): Promise<Replayed> {
    return this.#sendKept(kept, { covers, n: 1 }, order, signal)
  }

  async #sendKept(
    kept: KeptDeadLetter,
    { covers, n }: Pick<PlannedReplay, 'covers' | 'n'>,
    { by, force }: ReplayOrder,
    signal: AbortSignal,
  ): Promise<Replayed> {
    const { record } = kept
    const what = replayable(record)
    if (typeof what === 'string') return { kind: 'unreplayable', why: what }
    if (!(await this.connected(connectLimitMs, signal))) return failed('offline', 'NATS cannot be reached')
    const { job, atLeast } = lineage(record)
    // Other entries may know of later replays than the marks do, which go with what they mark.
    const claim: Claim = { job, ids: [record.id, ...covers], atLeast: Math.max(atLeast, n), force, by }
    const claimed = await this.#options.store.claim(claim, signal).catch(reasonOf)
    if (typeof claimed === 'string') return failed('unmarked', `it could not be marked: ${claimed}`)
    if (claimed.kind === 'taken') return claimed
    const sent = await this.#publish(kept, what, claimed.n)
    if (sent.kind !== 'unsure') await this.#settle(claim, claimed.n, sent.kind === 'sent' ? 'done' : 'failed')
    this.#audit.write(record, { claim, what: what.kind, replayed: sent })
    return sent
  }

  /** Resolves with whether the bus is connected, which it may become within `waitMs`. */
  async connected(waitMs: number, signal: AbortSignal): Promise<boolean> {
    const { bus, clock } = this.#options
    if (bus.connected) return true
    const limit = new AbortController()
    const late = clock.after(waitMs, () => limit.abort())
    await bus.flush(AbortSignal.any([limit.signal, signal])).catch(() => undefined)
    late.cancel()
    return bus.connected
  }

  async #publish({ record }: KeptDeadLetter, what: Replayable, n: number): Promise<Replayed> {
    const { bus, clock } = this.#options
    const limit = new AbortController()
    const late = clock.after(publishLimitMs, () => limit.abort(new Error('it is not known to have arrived')))
    try {
      await bus.publish(replayMessage(record, what, n, this.#options), limit.signal)
      return { kind: 'sent', what: what.kind, assignmentId: replayId(record, what, n) }
    } catch (error) {
      const cause = notSentFor(error)
      return cause === undefined ? { kind: 'unsure', why: reasonOf(error) } : failed(cause, reasonOf(error))
    } finally {
      late.cancel()
    }
  }

  /** Not ended by anybody's signal: what was sent is to be written down. */
  async #settle(claim: Claim, n: number, state: 'done' | 'failed'): Promise<void> {
    const { store, clock } = this.#options
    const limit = new AbortController()
    const late = clock.after(publishLimitMs, () => limit.abort(new Error('it took too long')))
    try {
      await store.settle(claim, n, state, limit.signal)
    } catch (error) {
      this.#audit.unmarked(claim, state, error)
    } finally {
      late.cancel()
    }
  }
}

/** Undefined: it may have been sent. */
function notSentFor(error: unknown): FailedBy | undefined {
  if (!(error instanceof PublishError)) return undefined
  return error.reason === 'unconfirmed' || error.reason === 'closed' ? undefined : error.reason
}

function failed(cause: FailedBy, why: string): Replayed {
  return { kind: 'failed', why, cause }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
