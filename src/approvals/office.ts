/** Approvals wherever they are kept: here, or by another worker that is asked over the bus. */
import type { Bus } from '../bus/bus.ts'
import { encodeText, objectText, readJson } from '../protocol/json.ts'
import { type StateStore, StoreError } from '../store/state-store.ts'
import type { Approval } from './approval.ts'
import type { ApprovalPage, Desk, Status, VoteAnswer } from './desk.ts'
import type { Ballot } from './machine.ts'
import { isApprovalId } from './record.ts'
import type { Seals } from './seal.ts'
import { relayedAnswer, relayedGet, relayedVote } from './wire.ts'

interface OfficeParts {
  readonly desk: Desk
  readonly store: Pick<StateStore, 'reach'>
  readonly bus: Pick<Bus, 'request' | 'mode'>
  /** The beginning of the subjects of approvals. */
  readonly subject: string
  /** Shows other workers that this one has checked who votes. */
  readonly seals: Seals
}

/** Whoever holds the approval does not answer, or its store does not. */
export type Unreachable = 'unreachable'

/** How long the holder has to answer, in milliseconds. */
const relayLimitMs = 3000
const pageSize = 100

/** Asks for approvals. Never rejects because of a store. */
export class Office {
  readonly #parts: OfficeParts

  constructor(parts: OfficeParts) {
    this.#parts = parts
  }

  /** Those that are kept where this process looks. */
  list(status: Status | undefined, cursor: string | undefined): Promise<ApprovalPage | Unreachable> {
    return unlessUnreachable(this.#parts.desk.list(status, cursor, pageSize))
  }

  /** Undefined: there is none anywhere. */
  async find(id: string): Promise<Approval | undefined | Unreachable> {
    const found = await unlessUnreachable(this.#parts.desk.find(id))
    if (found !== undefined || this.#knowsAll || !isApprovalId(id)) return found
    const answer = await this.#relay('get', id, relayedGet(id))
    return answer === undefined ? 'unreachable' : answer.approval
  }

  /** Of a vote whose voter has been checked. Undefined: there is no such approval anywhere. */
  async vote(id: string, ballot: Ballot): Promise<VoteAnswer | undefined | Unreachable> {
    const voted = await unlessUnreachable(this.#parts.desk.vote(id, ballot))
    if (voted !== undefined || this.#knowsAll || !isApprovalId(id)) return voted
    const sealed = this.#parts.seals.seal(id, ballot)
    if (sealed === undefined) return 'unreachable'
    return (await this.#relay('decide', id, relayedVote(sealed))) ?? 'unreachable'
  }

  /** What is not here is nowhere. */
  get #knowsAll(): boolean {
    return this.#parts.store.reach === 'fleet' || this.#parts.bus.mode === 'memory'
  }

  /** Undefined: no answer that can be used. */
  async #relay(
    word: 'get' | 'decide',
    id: string,
    request: Readonly<Record<string, unknown>>,
  ): Promise<VoteAnswer | undefined> {
    const { bus, subject } = this.#parts
    const message = { subject: `${subject}.${word}`, body: encodeText(objectText(request)) }
    const answer = await bus.request(message, relayLimitMs)
    const read = relayedAnswer.safeParse(answer && readJson(answer))
    if (!read.success || read.data.kept.id !== id) return undefined
    const { kept: approval, refusal } = read.data
    return { approval, ...(refusal !== undefined && { refusal }) }
  }
}

async function unlessUnreachable<T>(work: Promise<T>): Promise<T | Unreachable> {
  try {
    return await work
  } catch (error) {
    if (error instanceof StoreError) return 'unreachable'
    throw error
  }
}
