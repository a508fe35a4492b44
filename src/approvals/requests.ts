/** Approvals over the bus, request and reply: `.get`, `.list` and `.decide`. Who does not hold the record stays silent. */
import type { Bus, Received, Subscription } from '../bus/bus.ts'
import type { Clock } from '../lib/clock.ts'
import { isSamePerson } from '../lib/person.ts'
import { isSameText } from '../lib/same-text.ts'
import type { Logger } from '../observe/logger.ts'
import { encodeText, objectText, readJson } from '../protocol/json.ts'
import type { StateStore } from '../store/state-store.ts'
import type { Desk } from './desk.ts'
import type { Links } from './link.ts'
import { pageWithin, recordWithin } from './list-page.ts'
import type { Ballot, Refusal } from './machine.ts'
import { isApprovalId } from './record.ts'
import type { SealedVote, Seals } from './seal.ts'
import {
  decideReply,
  decideRequest,
  errorReply,
  getReply,
  getRequest,
  listQuery,
  namingRequest,
  relayedDecideRequest,
  relayedReply,
} from './wire.ts'

interface RequestsParts {
  readonly bus: Pick<Bus, 'subscribe' | 'mode' | 'maxPayload'>
  /** The beginning of the subjects. */
  readonly subject: string
  readonly desk: Desk
  readonly store: Pick<StateStore, 'reach'>
  readonly links: Links
  readonly seals: Seals
  readonly apiToken: string | undefined
  readonly clock: Clock
  readonly log: Logger
}

type Reply = Readonly<Record<string, unknown>>

const pageSize = 100

/** Answers requests until it is disposed of. */
export class Requests implements AsyncDisposable {
  readonly #parts: RequestsParts
  readonly #subscriptions: readonly Subscription[]

  constructor(parts: RequestsParts) {
    const { bus, subject } = parts
    const hear = (word: string, answer: (request: unknown) => Promise<Reply | undefined>): Subscription =>
      bus.subscribe(`${subject}.${word}`, (message) => void this.#answer(message, answer))
    this.#parts = parts
    this.#subscriptions = [
      hear('get', (request) => this.#get(request)),
      hear('list', (request) => this.#list(request)),
      hear('decide', (request) => this.#decide(request)),
    ]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#subscriptions.map((each) => each.stop()))
  }

  async #answer(message: Received, answer: (request: unknown) => Promise<Reply | undefined>): Promise<void> {
    try {
      const reply = await answer(readJson(message.body))
      if (reply === undefined) return
      const body = encodeText(objectText(reply))
      const { maxPayload } = this.#parts.bus
      message.respond(body.length <= maxPayload ? body : encodeText(objectText(tooLarge())))
    } catch (error) {
      this.#parts.log.warn('A request about approvals could not be answered', { error })
    }
  }

  async #get(request: unknown): Promise<Reply | undefined> {
    if (await this.#isOthers(request)) return undefined
    const read = getRequest.safeParse(request)
    if (!read.success) return wrongFields()
    const found = await this.#parts.desk.find(read.data.approval_id)
    return found === undefined ? missing() : getReply(found, read.data.relayed === true)
  }

  async #list(request: unknown): Promise<Reply> {
    const read = listQuery.safeParse(request ?? {})
    if (!read.success) return wrongFields()
    const page = await this.#parts.desk.list(read.data.status, read.data.cursor, pageSize)
    return pageWithin(page, this.#parts.bus.maxPayload)
  }

  async #decide(request: unknown): Promise<Reply | undefined> {
    // Whoever does not hold the approval says nothing of the token either: its answer would be taken for the holder's.
    if (await this.#isOthers(request)) return undefined
    const sealed = relayedDecideRequest.safeParse(request)
    if (sealed.success) return this.#decideRelayed(sealed.data)
    const read = decideRequest.safeParse(request)
    if (!read.success) return wrongFields()
    const ballot = this.#ballot(read.data)
    if (ballot === undefined) return wrongToken()
    const voted = await this.#parts.desk.vote(read.data.approval_id, ballot)
    if (voted === undefined) return missing()
    const record = recordWithin(voted.approval, this.#parts.bus.maxPayload)
    return decideReply(record, words[voted.refusal ?? 'counted'])
  }

  async #decideRelayed(request: SealedVote): Promise<Reply> {
    const ballot = this.#parts.seals.take(request)
    if (ballot === undefined) return wrongToken()
    const voted = await this.#parts.desk.vote(request.approvalId, ballot)
    return voted === undefined ? missing() : relayedReply(voted)
  }

  /** Whether somebody else may hold what is asked for, and this worker does not. */
  async #isOthers(request: unknown): Promise<boolean> {
    const { store, bus, desk } = this.#parts
    const named = namingRequest.safeParse(request)
    if (store.reach === 'fleet' || bus.mode === 'memory' || !named.success) return false
    return isApprovalId(named.data) && (await desk.find(named.data)) === undefined
  }

  /** Undefined: the token is wrong, whatever is wrong with it. */
  #ballot(request: ReturnType<typeof decideRequest.parse>): Ballot | undefined {
    const { apiToken, links, clock } = this.#parts
    const { decision, token, approver } = request
    const comment = request.comment ?? undefined
    const claim = links.verify(token, clock.now())
    if (apiToken !== undefined && isSameText(token, apiToken)) {
      return { decision, comment, approver: approver ?? 'api', via: 'nats' }
    }
    if (claim === undefined || claim.approvalId !== request.approval_id) return undefined
    if (typeof approver === 'string' && !isSamePerson(approver, claim.approver)) return undefined
    return { decision, comment, approver: claim.approver, via: 'link' }
  }
}

function wrongFields(): Reply {
  return errorReply('INVALID_INPUT', 'The request has wrong fields')
}

function wrongToken(): Reply {
  return errorReply('PERMISSION_DENIED', 'The token is not good for this')
}

function tooLarge(): Reply {
  return errorReply('OUTPUT_TOO_LARGE', 'The answer is larger than a message may be')
}

function missing(): Reply {
  return errorReply('NOT_FOUND', 'There is no such approval')
}

const words: Readonly<Record<Refusal | 'counted', readonly [code: string, message: string] | undefined>> = {
  counted: undefined,
  option: ['INVALID_INPUT', 'This option is not offered'],
  approver: ['PERMISSION_DENIED', 'Not one of the approvers'],
  self: ['PERMISSION_DENIED', 'Whoever asks may not approve'],
  voted: ['CONFLICT', 'This approver has voted already, and a vote cannot be changed'],
  ended: ['ENDED', 'It has ended'],
  full: ['QUOTA_EXCEEDED', 'There is no room left for this vote with its comment'],
}
