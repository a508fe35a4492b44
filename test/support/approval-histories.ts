import fc from 'fast-check'
import type { Approval, Channel } from '../../src/approvals/approval.ts'

/** One thing that happens to an approval. `after`: how many milliseconds after the thing before. */
export type Happening =
  | { readonly kind: 'vote'; readonly after: number; readonly approver: string; readonly decision: string }
  | { readonly kind: 'expire' | 'cancel' | 'escalate' | 'remind'; readonly after: number }

/** A question and what happens to it. */
export interface History {
  readonly approval: Approval
  readonly happenings: readonly Happening[]
}

const people = ['ann', 'Ann ', 'bob', 'cid', 'dora', 'eve'] as const
const options = ['Approve', 'Reject', 'Later'] as const
export const via: Channel = 'api'
export const createdAt = 1_700_000_000_000

const question = fc.record({
  options: fc.subarray([...options], { minLength: 1 }),
  required: fc.integer({ min: 1, max: 3 }),
  approvers: fc.uniqueArray(fc.constantFrom('ann', 'bob', 'cid', 'dora'), { maxLength: 4 }),
  noSelfApproval: fc.boolean(),
  requester: fc.option(fc.constantFrom('ann', 'BOB', 'eve'), { nil: undefined }),
  expires: fc.boolean(),
  remindAfter: fc.option(fc.integer({ min: 1, max: 200 }), { nil: undefined }),
  escalateAfter: fc.option(fc.integer({ min: 1, max: 200 }), { nil: undefined }),
  lastsMs: fc.integer({ min: 1, max: 300 }),
})

const happening: fc.Arbitrary<Happening> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('vote' as const),
      after: fc.integer({ min: 0, max: 40 }),
      approver: fc.constantFrom(...people),
      decision: fc.constantFrom(...options, 'Nonsense'),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constantFrom('expire', 'cancel', 'escalate', 'remind'),
      after: fc.integer({ min: 0, max: 80 }),
    }),
  },
)

/** Random questions with up to a dozen things that happen to each. */
export const histories: fc.Arbitrary<History> = fc
  .record({ asked: question, happenings: fc.array(happening, { maxLength: 12 }) })
  .map(({ asked, happenings }) => {
    const [first = 'Approve'] = asked.options
    const refusal = asked.options.find((option) => option !== first)
    return {
      happenings,
      approval: {
        id: 'ap_history',
        assignmentId: 'a',
        tenantId: 't',
        approvers: asked.approvers,
        createdAt,
        expiresAt: createdAt + asked.lastsMs,
        votes: [],
        question: {
          prompt: 'Shall we?',
          options: asked.options,
          approveOptions: [first],
          required: asked.required,
          noSelfApproval: asked.noSelfApproval,
          ...(asked.requester !== undefined && { requester: asked.requester }),
          onTimeout: asked.expires || refusal === undefined ? 'expire' : { option: refusal },
          ...(asked.remindAfter !== undefined && { remindAt: createdAt + asked.remindAfter }),
          ...(asked.escalateAfter !== undefined && {
            escalation: { at: createdAt + asked.escalateAfter, approvers: ['eve', 'ann'] },
          }),
        },
      },
    }
  })
