import { expect, test } from 'bun:test'
import { Parked } from '../../src/handler.ts'
import { humanApproval } from '../../src/handlers/human-approval.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { openLogger } from '../../src/observe/logger.ts'

const log = openLogger({ level: 'error', format: 'json', workerId: 'w', component: 'test', to: () => undefined })

async function inquiryOf(payload: object, userId?: string) {
  const context = {
    ...{ signal: new AbortController().signal, clock: systemClock, log, attempt: 1, userId },
    ...{
      assignmentId: 'a',
      tenantId: 't',
      pauseTime: () => undefined,
      resumeTime: () => 1,
      timeLeftMs: () => 1,
      maxOutputBytes: 1e6,
    },
  }
  const parked = await humanApproval.run(humanApproval.input.parse({ prompt: 'Shall we?', ...payload }), context)
  if (!(parked instanceof Parked)) throw new Error('It does not wait')
  return parked.inquiry
}

test('the old input asks whoever is let in, for the time that the job has', async () => {
  expect(await inquiryOf({})).toMatchObject({
    ...{ options: ['Approve', 'Reject'], approveOptions: ['Approve'], approvers: [], required: 1 },
    ...{ expiresInMs: undefined, onTimeout: 'expire', noSelfApproval: false },
  })
})

test('seconds are milliseconds, and reject is the first option that means no', async () => {
  const payload = {
    timeout_seconds: 1.5,
    on_timeout: 'reject',
    options: ['Yes', 'Later', 'No'],
    approve_options: ['Yes'],
  }
  expect(await inquiryOf(payload)).toMatchObject({ expiresInMs: 1500, onTimeout: { option: 'Later' } })
  expect(await inquiryOf({ ...payload, on_timeout: 'No' })).toMatchObject({ onTimeout: { option: 'No' } })
})

test.each([
  ['an option twice', { options: ['A', 'A'] }],
  ['no options', { options: [] }],
  ['a yes that is not offered', { approve_options: ['Sure'] }],
  ['reject where nothing means no', { options: ['A'], on_timeout: 'reject' }],
  ['an ending that is none', { on_timeout: 'maybe' }],
  ['more than 30 days', { timeout_ms: 2_592_000_001 }],
  ['an empty name', { approvers: [' '] }],
  ['a name that shows nothing', { approvers: ['\u3164'] }],
  ['a name with what nobody sees', { approvers: ['rita\u200b'] }],
  ['a name with a control character', { approvers: ['rita\u0007'] }],
  ['a yes of time where nobody may approve alone', { no_self_approval: true, on_timeout: 'Approve' }],
  ['reject where an option of that name means yes', { options: ['reject'], on_timeout: 'reject' }],
  ['more people after the end', { timeout_seconds: 1, escalate: { after_ms: 1000, approvers: ['bob'] } }],
  ['an address of no web', { callback_url: 'file:///etc/passwd' }],
])('%s is refused', (_, payload) => {
  expect(humanApproval.input.safeParse({ prompt: 'Shall we?', ...payload }).success).toBe(false)
})

test.each([
  ['nobody to bar', { no_self_approval: true }, undefined],
  ['a blank to bar', { no_self_approval: true }, ' \u00a0 '],
  ['what nobody sees to bar', { no_self_approval: true }, '\u200b'],
  ['more votes than voters', { approvers: ['ann', 'Ann '], required: 2 }, undefined],
  ['more votes than those who may', { approvers: ['ann', 'bob'], required: 2, no_self_approval: true }, 'Bob'],
])('%s is refused when it is run', async (_, payload, userId) => {
  const thrown = await inquiryOf(payload, userId).catch((error: unknown) => error)
  expect(thrown).toMatchObject({ code: 'INVALID_INPUT' })
})

test('options that are called like the words for the end do not take their place', async () => {
  expect(await inquiryOf({ options: ['expire', 'No'] })).toMatchObject({ onTimeout: 'expire' })
  expect(await inquiryOf({ options: ['reject', 'No'], on_timeout: 'reject' })).toMatchObject({
    onTimeout: { option: 'No' },
  })
})

test('those who are asked later count as voters', async () => {
  const escalate = { after_ms: 1000, approvers: ['bob'] }
  expect(await inquiryOf({ approvers: ['ann'], required: 2, escalate })).toMatchObject({ required: 2 })
})
