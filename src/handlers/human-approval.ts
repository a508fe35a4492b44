import { z } from 'zod'
import { JobError } from '../errors.ts'
import { defineHandler, type Inquiry, park } from '../handler.ts'
import { distinctPeople, isName, isSamePerson, longestName, personKey } from '../lib/person.ts'
import { bounded, fieldsOf, textUpTo } from './http/bounded.ts'

/** As long as a question may wait, in milliseconds: 30 days. */
const longestWaitMs = 2_592_000_000
const mostPeople = 100
const mostOptions = 20

const person = textUpTo(longestName).refine(isName, { error: 'Not a name, or with characters that nobody sees' })
const people = bounded(z.array(person), { most: mostPeople, what: 'names' })
const option = textUpTo(200).refine((text) => text.trim() !== '', { error: 'Not an option' })
const options = bounded(z.array(option).min(1), { most: mostOptions, what: 'options' })
const waitMs = z.int().min(1).max(longestWaitMs)
const webAddress = textUpTo(2048).refine((text) => /^https?:$/.test(URL.parse(text)?.protocol ?? ''), {
  error: 'Not an absolute URL of the web',
})

const input = fieldsOf(
  z
    .object({
      prompt: textUpTo(20_000).min(1).describe('What people are asked.'),
      options: options.default(['Approve', 'Reject']).describe('What they may answer.'),
      approve_options: options.optional().describe('The options that mean yes; without it, the first one.'),
      approvers: people.default([]).describe('Who may answer; empty: whoever holds the token of the API.'),
      required: z.int().min(1).max(mostPeople).default(1).describe('How many have to choose the same option.'),
      no_self_approval: z.boolean().default(false).describe('Whether `metadata.user_id` may not answer.'),
      timeout_ms: waitMs.optional().describe('How long they may take; a day unless the job or this says otherwise.'),
      timeout_seconds: z
        .number()
        .positive()
        .max(longestWaitMs / 1000)
        .optional()
        .describe('The same in seconds.'),
      on_timeout: textUpTo(200)
        .default('expire')
        .describe(
          'What becomes of it then: `expire`, `reject` (the first option that means no), or an option: with `no_self_approval` none that means yes.',
        ),
      remind_after_ms: waitMs.optional().describe('When those who have not answered are told once more.'),
      escalate: z
        .object({ after_ms: waitMs, approvers: people.describe('Who may answer as well from then on.') })
        .optional(),
      callback_url: webAddress.optional().describe('Where the asker is told, by POST, that it is asked and decided.'),
      response: z.unknown().optional().describe('In sandbox mode: the option, or {decision, approver, comment}.'),
    })
    .superRefine(checkOptions),
)

type Input = z.output<typeof input>

const vote = z.object({
  approver: z.string(),
  decision: z.string(),
  comment: z.string().optional(),
  at: z.string(),
  via: z.string(),
})

const output = z.object({
  prompt: z.string(),
  options: z.array(z.string()),
  status: z.literal('completed'),
  decision: z.string(),
  approved: z.boolean(),
  approver: z.string().nullable().describe('Whose vote decided; null when the time was up.'),
  comment: z.string().nullable(),
  approved_at: z.string(),
  approval_id: z.string(),
  votes: z.array(vote),
})

const sample: z.infer<typeof output> = {
  prompt: 'Shall we deploy?',
  options: ['Approve', 'Reject'],
  status: 'completed',
  decision: 'Approve',
  approved: true,
  approver: 'sandbox',
  comment: null,
  approved_at: '1970-01-01T00:00:00.000Z',
  approval_id: `ap_${'0'.repeat(40)}`,
  votes: [],
}

/** Asks people, and waits for days if need be. */
export const humanApproval = defineHandler({
  type: 'human_approval',
  aliases: ['human.approval'],
  summary: 'Asks people for a decision and waits for it, without holding a slot.',
  pool: 'io',
  effect: () => 'none',
  sandbox: 'sample',
  input,
  output,
  example: { prompt: 'Shall we deploy?', approvers: ['ann', 'bob'] },
  sample,
  sampleFor(asked) {
    const { decision, approver, comment } = answerOf(asked)
    const chosen = asked.options.find((each) => each === decision) ?? asked.options[0] ?? ''
    return {
      ...{ ...sample, prompt: asked.prompt, options: asked.options, decision: chosen },
      approved: approving(asked).includes(chosen),
      approver: approver ?? sample.approver,
      comment: comment ?? null,
    }
  },
  run: (asked, { userId }) => Promise.resolve(asked).then(() => park(inquiryOf(asked, userId))),
})

function inquiryOf(asked: Input, userId: string | undefined): Inquiry {
  const { no_self_approval: noSelfApproval, remind_after_ms: remindAfterMs, escalate } = asked
  // A name of nothing that can be seen is nobody's.
  const requester = userId === undefined || personKey(userId) === '' ? undefined : userId
  if (noSelfApproval && requester === undefined) {
    const details = { field: 'metadata.user_id' }
    throw new JobError('INVALID_INPUT', 'Without metadata.user_id nobody knows who may not approve', { details })
  }
  requireEnough(asked, noSelfApproval ? requester : undefined)
  return {
    prompt: asked.prompt,
    options: asked.options,
    approveOptions: approving(asked),
    required: asked.required,
    approvers: asked.approvers,
    requester,
    noSelfApproval,
    expiresInMs: waitOf(asked),
    onTimeout: onTimeout(asked) ?? 'expire',
    remindAfterMs,
    escalation: escalate && { afterMs: escalate.after_ms, approvers: escalate.approvers },
    callbackUrl: asked.callback_url,
  }
}

/** A question that can never be decided is not asked. */
function requireEnough({ approvers, escalate, required }: Input, barred: string | undefined): void {
  if (approvers.length === 0) return
  const all = distinctPeople([...approvers, ...(escalate?.approvers ?? [])])
  const able = all.filter((name) => barred === undefined || !isSamePerson(name, barred)).length
  if (able >= required) return
  const details = { field: 'required', required, approvers: able }
  throw new JobError('INVALID_INPUT', 'Fewer may approve than are required', { details })
}

interface Choices {
  readonly options: readonly string[]
  readonly approve_options?: readonly string[] | undefined
  readonly on_timeout: string
  readonly no_self_approval: boolean
  readonly timeout_ms?: number | undefined
  readonly timeout_seconds?: number | undefined
  readonly escalate?: { readonly after_ms: number } | undefined
}

/** Undefined: the job says it, or it is a day. */
function waitOf({ timeout_ms: ms, timeout_seconds: seconds }: Choices): number | undefined {
  return ms ?? (seconds === undefined ? undefined : Math.ceil(seconds * 1000))
}

function approving({ options: offered, approve_options: named }: Choices): readonly string[] {
  return named ?? offered.slice(0, 1)
}

/** The words come before options of the same name, so that what nobody said cannot become a yes; undefined: none of all. */
function onTimeout(asked: Choices): Inquiry['onTimeout'] | undefined {
  const { options: offered, on_timeout: then } = asked
  if (then === 'expire') return 'expire'
  const option = offered.find((each) => (then === 'reject' ? !approving(asked).includes(each) : each === then))
  return option === undefined ? undefined : { option }
}

function checkOptions(asked: Choices, context: z.RefinementCtx): void {
  const problem = (field: string, message: string): void => context.addIssue({ code: 'custom', path: [field], message })
  const { options: offered, no_self_approval: isApart } = asked
  if (new Set(offered).size < offered.length) problem('options', 'An option stands there twice')
  if (!approving(asked).every((each) => offered.includes(each))) problem('approve_options', 'Not one of the options')
  const then = onTimeout(asked)
  if (then === undefined) problem('on_timeout', 'Neither expire, nor reject, nor one of the options')
  const isYes = typeof then === 'object' && approving(asked).includes(then.option)
  if (isApart && isYes) problem('on_timeout', 'With no_self_approval only people can say yes')
  const limit = waitOf(asked)
  if (limit !== undefined && asked.escalate !== undefined && asked.escalate.after_ms >= limit) {
    problem('escalate', 'Later than the time that people have')
  }
}

const answer = z.object({
  decision: z.string().optional(),
  approver: z.string().optional(),
  comment: z.string().optional(),
})

function answerOf({ response }: Input): z.infer<typeof answer> {
  if (typeof response === 'string') return { decision: response }
  return answer.safeParse(response).data ?? {}
}
