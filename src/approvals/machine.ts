/**
 * What may become of an approval: pending, then decided, expired or cancelled, and nothing after that. Pure: from an
 * approval, an event and the moment follows the next approval, or why it stays as it is.
 *
 * An option is decided when `required` people have chosen it. Where the approvers are named and so many of them have
 * voted that no option can get there any more, nobody waits for the expiry: the option that means no and has most votes
 * is decided, the one chosen first among equals. Where every option that was chosen means yes, it is left to the expiry.
 */

import { distinctPeople, isName, isSamePerson, personKey } from '../lib/person.ts'
import { type Approval, type Channel, type End, isApproving, type Vote } from './approval.ts'

/** What somebody says. */
export interface Ballot {
  readonly approver: string
  readonly decision: string
  readonly comment?: string | undefined
  readonly via: Channel
}

/** Who voted where nobody is named. */
export const nobody = 'api'

/** Why a vote does not count: an option that was not offered, not an approver, who asked, another vote before, too late. */
export type Refusal = 'option' | 'approver' | 'self' | 'voted' | 'ended' | NoRoom

/** Whoever keeps the approval has no room for the vote. */
type NoRoom = 'full'

/** The approval after a vote, which may have changed although the vote was refused: when it came after the expiry. */
export interface Voted {
  readonly approval: Approval
  readonly refusal?: Refusal
}

/** Counts a vote. The same vote of the same person again changes nothing and is no fault, also after the end. */
export function vote(before: Approval, ballot: Ballot, now: number): Voted {
  const approval = expire(before, now)
  const earlier = approval.votes.find(({ approver }) => isSamePerson(approver, ballot.approver))
  if (earlier !== undefined && earlier.decision === ballot.decision) return { approval }
  if (approval.end !== undefined) return { approval, refusal: 'ended' }
  if (!approval.question.options.includes(ballot.decision)) return { approval, refusal: 'option' }
  const approver = admitted(approval, ballot.approver)
  if (approver === undefined) return { approval, refusal: 'approver' }
  if (isBarred(approval, approver)) return { approval, refusal: 'self' }
  if (earlier !== undefined) return { approval, refusal: 'voted' }
  const { decision, comment, via } = ballot
  const cast: Vote = { approver, decision, ...(comment !== undefined && { comment }), at: now, via }
  return { approval: counted({ ...approval, votes: [...approval.votes, cast] }, now) }
}

/** Ends it when its time is up, as of that moment. */
export function expire(approval: Approval, now: number): Approval {
  if (approval.end !== undefined || now < approval.expiresAt) return approval
  const { onTimeout } = approval.question
  const at = approval.expiresAt
  const end: End =
    onTimeout === 'expire' ? { kind: 'expired', at } : { kind: 'decided', at, decision: onTimeout.option }
  return { ...approval, end }
}

/** Ends it without a decision. */
export function cancel(before: Approval, now: number): Approval {
  const approval = expire(before, now)
  return approval.end === undefined ? { ...approval, end: { kind: 'cancelled', at: now } } : approval
}

/** Asks more people when the time for it has come, and notes it; whoever may vote already is not asked twice. */
export function escalate(approval: Approval, now: number): Approval {
  const { escalation } = approval.question
  if (escalation === undefined || !isPending(approval) || now < escalation.at) return approval
  if (approval.escalatedAt !== undefined) return approval
  // An empty list lets everybody vote: naming some would shut the others out.
  const approvers =
    approval.approvers.length === 0 ? [] : distinctPeople([...approval.approvers, ...escalation.approvers])
  return { ...approval, approvers, escalatedAt: now }
}

/** Notes that people have been reminded. */
export function remind(approval: Approval, now: number): Approval {
  const { remindAt } = approval.question
  if (remindAt === undefined || !isPending(approval) || now < remindAt || approval.remindedAt !== undefined) {
    return approval
  }
  return { ...approval, remindedAt: now }
}

/** When something is to be done about it that no person does; undefined once it has ended. */
export function nextMoment({ question, expiresAt, remindedAt, escalatedAt, end }: Approval): number | undefined {
  if (end !== undefined) return undefined
  const reminder = remindedAt === undefined ? question.remindAt : undefined
  const escalation = escalatedAt === undefined ? question.escalation?.at : undefined
  return Math.min(expiresAt, reminder ?? expiresAt, escalation ?? expiresAt)
}

/** Those who may vote and have not, as far as they are named. */
export function awaited(approval: Approval): readonly string[] {
  const voted = new Set(approval.votes.map(({ approver }) => personKey(approver)))
  return approval.approvers.filter((name) => !voted.has(personKey(name)) && !isBarred(approval, name))
}

function isPending({ end }: Approval): boolean {
  return end === undefined
}

/** The name as the list has it; undefined for who is not on it, or has no name where that matters. */
function admitted({ approvers, question }: Approval, name: string): string | undefined {
  if (approvers.length === 0) {
    return !isName(name) || (question.noSelfApproval && isSamePerson(name, nobody)) ? undefined : name.trim()
  }
  return approvers.find((listed) => isSamePerson(listed, name))
}

function isBarred({ question: { noSelfApproval, requester } }: Approval, name: string): boolean {
  return noSelfApproval && requester !== undefined && isSamePerson(requester, name)
}

function counted(approval: Approval, now: number): Approval {
  const last = approval.votes.at(-1)
  const { required, options } = approval.question
  const votesFor = (option: string): number => approval.votes.filter(({ decision }) => decision === option).length
  if (last !== undefined && votesFor(last.decision) >= required) {
    const { decision, approver, comment } = last
    return { ...approval, end: decided(now, decision, approver, comment) }
  }
  if (approval.approvers.length === 0) return approval
  const left = awaited(approval).length + futureApprovers(approval)
  if (options.some((option) => votesFor(option) + left >= required)) return approval
  const refusals = approval.votes.filter(({ decision }) => !isApproving(approval.question, decision))
  const most = Math.max(...refusals.map(({ decision }) => votesFor(decision)))
  const leading = refusals.find(({ decision }) => votesFor(decision) === most)
  if (leading === undefined) return approval
  return { ...approval, end: decided(now, leading.decision, leading.approver, leading.comment) }
}

/** Those who will be asked only later count as people who can still vote, where there is time left then. */
function futureApprovers(approval: Approval): number {
  const { escalation } = approval.question
  if (escalation === undefined || escalation.at >= approval.expiresAt || approval.escalatedAt !== undefined) return 0
  const known = new Set(approval.approvers.map(personKey))
  return distinctPeople(escalation.approvers).filter((name) => !known.has(personKey(name)) && !isBarred(approval, name))
    .length
}

function decided(at: number, decision: string, approver: string, comment: string | undefined): End {
  return { kind: 'decided', at, decision, approver, ...(comment !== undefined && { comment }) }
}
