import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import type { Approval } from '../../src/approvals/approval.ts'
import { awaited, cancel, escalate, expire, nextMoment, remind, vote } from '../../src/approvals/machine.ts'
import { createdAt, type Happening, type History, histories, via } from '../support/approval-histories.ts'

const now = createdAt + 10

function asked(
  changes: Partial<Omit<Approval, 'question'>> & { question?: Partial<Approval['question']> } = {},
): Approval {
  const { question, ...rest } = changes
  return {
    ...{
      id: 'ap_1',
      assignmentId: 'a',
      tenantId: 't',
      approvers: [],
      createdAt,
      expiresAt: createdAt + 1000,
      votes: [],
    },
    ...rest,
    question: {
      prompt: 'Shall we?',
      options: ['Approve', 'Reject'],
      approveOptions: ['Approve'],
      required: 1,
      noSelfApproval: false,
      onTimeout: 'expire',
      ...question,
    },
  }
}

const says = (approval: Approval, approver: string, decision: string, at = now) =>
  vote(approval, { approver, decision, via }, at)

describe('a vote', () => {
  test('decides when one is enough, and says who, what and when', () => {
    const { approval, refusal } = vote(asked(), { approver: ' Ann ', decision: 'Approve', comment: 'ok', via }, now)
    expect(refusal).toBeUndefined()
    expect(approval.end).toEqual({ kind: 'decided', at: now, decision: 'Approve', approver: 'Ann', comment: 'ok' })
  })

  test('again by the same person is the same vote, before and after the end', () => {
    const first = says(asked({ question: { required: 2 } }), 'ann', 'Approve').approval
    expect(says(first, 'ANN', 'Approve')).toEqual({ approval: first })
    const ended = says(first, 'bob', 'Approve').approval
    expect(says(ended, 'ann', 'Approve', now + 5000)).toEqual({ approval: ended })
  })

  test.each([
    ['option', asked(), 'ann', 'Perhaps'],
    ['approver', asked({ approvers: ['bob'] }), 'ann', 'Approve'],
    ['approver', asked(), ' \u200b', 'Approve'],
    ['approver', asked({ question: { noSelfApproval: true, requester: 'ann' } }), 'api', 'Approve'],
    [
      'self',
      asked({ question: { noSelfApproval: true, requester: 'rita' }, approvers: ['rita', 'b'] }),
      'rita\u200b',
      'Approve',
    ],
    ['self', asked({ question: { noSelfApproval: true, requester: 'Ann' } }), 'ann', 'Approve'],
    ['voted', says(asked({ question: { required: 2 } }), 'ann', 'Reject').approval, 'ann', 'Approve'],
    ['ended', cancel(asked(), now), 'ann', 'Approve'],
  ] as const)('is refused: %s', (refusal, approval, approver, decision) => {
    expect(says(approval, approver, decision)).toEqual({ approval, refusal })
  })

  test('after the expiry ends it by the expiry, as of that moment', () => {
    const { approval, refusal } = says(asked(), 'ann', 'Approve', createdAt + 5000)
    expect(refusal).toBe('ended')
    expect(approval.end).toEqual({ kind: 'expired', at: createdAt + 1000 })
  })

  test('needs as many of one kind as are required', () => {
    const two = asked({ approvers: ['ann', 'bob', 'cid'], question: { required: 2 } })
    const first = says(two, 'ann', 'Approve').approval
    expect(first.end).toBeUndefined()
    expect(awaited(first)).toEqual(['bob', 'cid'])
    const second = says(first, 'bob', 'Reject').approval
    expect(second.end).toBeUndefined()
    expect(says(second, 'cid', 'Approve').approval.end).toMatchObject({ decision: 'Approve', approver: 'cid' })
  })

  test('when no option can get enough any more, the refusal stands at once', () => {
    const all = asked({ approvers: ['ann', 'bob'], question: { required: 2 } })
    const split = says(says(all, 'ann', 'Reject').approval, 'bob', 'Approve').approval
    expect(split.end).toMatchObject({ decision: 'Reject', approver: 'ann' })
  })

  test('who will be asked later can still tip it', () => {
    const escalation = { at: createdAt + 500, approvers: ['cid'] }
    const all = asked({ approvers: ['ann', 'bob'], question: { required: 2, escalation } })
    const split = says(says(all, 'ann', 'Reject').approval, 'bob', 'Approve').approval
    expect(split.end).toBeUndefined()
    const wider = escalate(split, createdAt + 500)
    expect(wider.approvers).toEqual(['ann', 'bob', 'cid'])
    expect(says(wider, 'cid', 'Approve', createdAt + 501).approval.end).toMatchObject({ decision: 'Approve' })
  })
})

test('time: reminder, escalation, expiry, each once and in turn', () => {
  const escalation = { at: createdAt + 20, approvers: ['eve'] }
  const approval = asked({ approvers: ['ann'], question: { remindAt: createdAt + 10, escalation } })
  expect(nextMoment(approval)).toBe(createdAt + 10)
  const reminded = remind(approval, createdAt + 10)
  expect(remind(reminded, createdAt + 11)).toBe(reminded)
  expect(nextMoment(reminded)).toBe(createdAt + 20)
  const escalated = escalate(reminded, createdAt + 20)
  expect(escalate(escalated, createdAt + 21)).toBe(escalated)
  expect(nextMoment(escalated)).toBe(createdAt + 1000)
  expect(nextMoment(expire(escalated, createdAt + 1000))).toBeUndefined()
})

test('a named option is taken when time is up', () => {
  const approval = expire(asked({ question: { onTimeout: { option: 'Reject' } } }), createdAt + 1000)
  expect(approval.end).toEqual({ kind: 'decided', at: createdAt + 1000, decision: 'Reject' })
})

test('a random history ends as a model of it does', () => {
  fc.assert(
    fc.property(histories, (history) => {
      let { approval } = history
      let at = createdAt
      const model = new Model(history)
      for (const happening of history.happenings) {
        at += happening.after
        const before = approval
        const [next, answer] = happen(before, happening, at)
        expect(answer).toBe(model.take(happening, at))
        expect(next.end?.kind).toBe(model.end?.kind)
        if (next.end?.kind === 'decided') expect(next.end.decision).toBe(model.end?.decision ?? '')
        expect(next.votes.length).toBe(model.votes.size)
        // What has ended never changes again.
        if (before.end !== undefined) expect(next).toEqual(before)
        approval = next
      }
    }),
    { numRuns: 10_000 },
  )
}, 60_000)

function happen(approval: Approval, happening: Happening, at: number): [Approval, string | undefined] {
  switch (happening.kind) {
    case 'vote': {
      const voted = says(approval, happening.approver, happening.decision, at)
      return [voted.approval, voted.refusal]
    }
    case 'expire':
      return [expire(approval, at), undefined]
    case 'cancel':
      return [cancel(approval, at), undefined]
    case 'escalate':
      return [escalate(approval, at), undefined]
    case 'remind':
      return [remind(approval, at), undefined]
    default:
      return happening satisfies never
  }
}

/** The same rules, said in another way: counts of people on plain sets. */
class Model {
  readonly votes = new Map<string, string>()
  readonly #asked: Approval['question']
  readonly #approvers: Set<string>
  readonly #expiresAt: number
  #escalated = false
  end: { kind: NonNullable<Approval['end']>['kind']; decision?: string } | undefined

  constructor({ approval }: History) {
    this.#asked = approval.question
    this.#approvers = new Set(approval.approvers)
    this.#expiresAt = approval.expiresAt
  }

  take(happening: Happening, at: number): string | undefined {
    const timesOut = happening.kind !== 'escalate' && happening.kind !== 'remind'
    if (timesOut && this.end === undefined && at >= this.#expiresAt) {
      const { onTimeout } = this.#asked
      this.end = onTimeout === 'expire' ? { kind: 'expired' } : { kind: 'decided', decision: onTimeout.option }
    }
    if (happening.kind === 'vote') return this.#vote(happening.approver.trim().toLowerCase(), happening.decision)
    if (happening.kind === 'cancel') this.end ??= { kind: 'cancelled' }
    if (happening.kind === 'escalate') this.#escalate(at)
    return undefined
  }

  #vote(person: string, decision: string): string | undefined {
    const before = this.votes.get(person)
    if (before === decision) return undefined
    if (this.end) return 'ended'
    if (!this.#asked.options.includes(decision)) return 'option'
    if (this.#approvers.size > 0 && !this.#approvers.has(person)) return 'approver'
    if (this.#isSelf(person)) return 'self'
    if (before !== undefined) return 'voted'
    this.votes.set(person, decision)
    const tally = new Map(this.#asked.options.map((option) => [option, 0]))
    for (const choice of this.votes.values()) tally.set(choice, (tally.get(choice) ?? 0) + 1)
    if ((tally.get(decision) ?? 0) >= this.#asked.required) this.end = { kind: 'decided', decision }
    else if (this.#approvers.size > 0) this.#settle(tally)
    return undefined
  }

  #settle(tally: ReadonlyMap<string, number>): void {
    const electorate = new Set(this.#approvers)
    const { escalation } = this.#asked
    const isToCome = !this.#escalated && escalation !== undefined && escalation.at < this.#expiresAt
    if (isToCome) for (const name of escalation.approvers) electorate.add(name)
    const left = [...electorate].filter((name) => !this.votes.has(name) && !this.#isSelf(name)).length
    if (Math.max(...tally.values()) + left >= this.#asked.required) return
    const refusals = [...this.votes.values()].filter((choice) => !this.#asked.approveOptions.includes(choice))
    const [decision] = refusals.toSorted((a, b) => (tally.get(b) ?? 0) - (tally.get(a) ?? 0))
    if (decision !== undefined) this.end = { kind: 'decided', decision }
  }

  #escalate(at: number): void {
    const { escalation } = this.#asked
    if (this.end || this.#escalated || escalation === undefined || at < escalation.at) return
    this.#escalated = true
    if (this.#approvers.size > 0) for (const name of escalation.approvers) this.#approvers.add(name)
  }

  #isSelf(person: string): boolean {
    return this.#asked.noSelfApproval && this.#asked.requester?.toLowerCase() === person
  }
}
