/** Approvals over the bus, request and reply: `.get`, `.list` and `.decide`. Who does not hold the record stays silent. */
import type { Bus, Received, Subscription } from '../bus/bus.ts'
import type { Clock } from '../lib/clock.ts'
import { isSamePerson } from '../lib/person.ts'
import { isSameText } from '../lib/same-text.ts'
import type { Logger } from '../observe/logger.ts'
import { encodeText, objectText, parseJson } from '../protocol/json.ts'
import type { StateStore } from '../store/state-store.ts'
import { wireRecord } from './approval.ts'
import type { Desk } from './desk.ts'
import type { Links } from './link.ts'
import type { Ballot, Refusal } from './machine.ts'
import { decideReply, decideRequest, errorReply, getReply, getRequest, listQuery } from './wire.ts'

interface RequestsParts {
  readonly bus: Pick<Bus, 'subscribe' | 'mode'>
  /** The beginning of the subjects. */
  readonly subject: string
  readonly desk: Desk
  readonly store: Pick<StateStore, 'reach'>
  readonly links: Links
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
      if (reply !== undefined) message.respond(encodeText(objectText(reply)))
    } catch (error) {
      this.#parts.log.warn('A request about approvals could not be answered', { error })
    }
  }

  async #get(request: unknown): Promise<Reply | undefined> {
    const read = getRequest.safeParse(request)
    if (!read.success) return errorReply('INVALID_INPUT', 'The request has wrong fields')
    const found = await this.#parts.desk.find(read.data.approval_id)
    return found === undefined ? this.#missing() : getReply(found, read.data.relayed === true)
  }

  async #list(request: unknown): Promise<Reply> {
    const read = listQuery.safeParse(request ?? {})
    if (!read.success) return errorReply('INVALID_INPUT', 'The request has wrong fields')
    const { items, next } = await this.#parts.desk.list(read.data.status, read.data.cursor, pageSize)
    return { items: items.map(wireRecord), next }
  }

  async #decide(request: unknown): Promise<Reply | undefined> {
    const read = decideRequest.safeParse(request)
    if (!read.success) return errorReply('INVALID_INPUT', 'The request has wrong fields')
    const ballot = this.#ballot(read.data)
    if (ballot === undefined) return errorReply('PERMISSION_DENIED', 'The token is not good for this')
    const voted = await this.#parts.desk.vote(read.data.approval_id, ballot)
    if (voted === undefined) return this.#missing()
    return decideReply(voted, words[voted.refusal ?? 'counted'], read.data.relayed === true)
  }

  /** Undefined: the token is wrong, whatever is wrong with it. */
  #ballot(request: ReturnType<typeof decideRequest.parse>): Ballot | undefined {
    const { apiToken, links, clock } = this.#parts
    const { decision, token, approver } = request
    const comment = request.comment ?? undefined
    const claim = links.verify(token, clock.now())
    if (apiToken !== undefined && isSameText(token, apiToken)) {
      return { decision, comment, approver: approver ?? 'api', via: request.via ?? 'nats' }
    }
    if (claim === undefined || claim.approvalId !== request.approval_id) return undefined
    if (typeof approver === 'string' && !isSamePerson(approver, claim.approver)) return undefined
    return { decision, comment, approver: claim.approver, via: 'link' }
  }

  /** Where others may hold it, they answer. */
  #missing(): Reply | undefined {
    const { store, bus } = this.#parts
    const knowsAll = store.reach === 'fleet' || bus.mode === 'memory'
    return knowsAll ? errorReply('NOT_FOUND', 'There is no such approval') : undefined
  }
}

const words: Readonly<Record<Refusal | 'counted', readonly [code: string, message: string] | undefined>> = {
  counted: undefined,
  option: ['INVALID_INPUT', 'This option is not offered'],
  approver: ['PERMISSION_DENIED', 'Not one of the approvers'],
  self: ['PERMISSION_DENIED', 'Whoever asks may not approve'],
  voted: ['CONFLICT', 'This approver has voted already, and a vote cannot be changed'],
  ended: ['ENDED', 'It has ended'],
}

/** Undefined: it is no JSON. */
function readJson(body: Uint8Array): unknown {
  try {
    return body.length === 0 ? undefined : parseJson(body)
  } catch {
    return undefined
  }
}
