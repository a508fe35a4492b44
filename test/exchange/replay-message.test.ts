import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { lineage, type Replayable, replayable, replayId, replayMessage } from '../../src/exchange/replay-message.ts'
import { noMask } from '../../src/lib/secret-mask.ts'
import { decodeAssignment } from '../../src/protocol/codec.ts'
import { type DeadLetter, deadLetter, deadLetterLine } from '../../src/protocol/dead-letter.ts'
import { isAssignmentId } from '../../src/protocol/ids.ts'
import { assignmentMessages } from '../support/arbitraries.ts'
import { letter } from '../support/letters.ts'
import { resultOracle } from '../support/result-oracle.ts'

const wiring = { subjects: { assign: 'assign', result: 'result' }, envelope: 'auto' } as const

function sendable(record: DeadLetter): Replayable {
  const what = replayable(record)
  if (typeof what === 'string') throw new Error(what)
  return what
}

/** The dead letter of a replay that failed as well. */
function failedAgain(record: DeadLetter, n: number): DeadLetter {
  const message = replayMessage(record, sendable(record), n, wiring)
  const decoded = decodeAssignment(message.body, message.headers ?? {})
  if (decoded.kind !== 'assignment') throw new Error(decoded.kind)
  const { assignment } = decoded
  const { form, raw } = assignment
  return deadLetter({
    ...{ id: letter().id, timestamp: 0, reason: 'JOB_FAILED', workerId: 'w', subject: 's', mask: noMask },
    ...{ body: message.body, headers: message.headers ?? {}, form, caller: assignment, assignment: raw },
  })
}

describe('a job', () => {
  test('goes out as it came, under a new id and the name of its dead letter', () => {
    const assignment = {
      assignment_id: 'a 1',
      tenant_id: 'acme',
      job: { type: 'echo', payload: [1] },
      options: { x: 1 },
    }
    const headers = { traceparent: 't', 'Nats-Msg-Id': 'old', 'nats-rollup': 'all', 'Beamline-Hop': '3', 'X-Own': 'y' }
    const record = { ...letter({ assignmentId: 'a 1', assignment }), headers }
    const { subject, body, headers: sent } = replayMessage(record, sendable(record), 3, wiring)
    expect(subject).toBe('assign')
    expect(JSON.parse(new TextDecoder().decode(body))).toEqual({ ...assignment, assignment_id: 'a 1.r3' })
    expect(sent).toEqual({
      traceparent: 't',
      'X-Own': 'y',
      'Beamline-Replay-Of': record.id,
      'Nats-Msg-Id': `${record.id}.r3`,
    })
  })

  test('that came in an envelope goes out in one', () => {
    const record = { ...letter({ assignment: { job: 1 } }), form: 'envelope' } as const
    const { body } = replayMessage(record, sendable(record), 1, wiring)
    const data = { job: 1, assignment_id: 'job-1.r1' }
    expect(JSON.parse(new TextDecoder().decode(body))).toEqual({ version: 'v1', kind: 'exec_assign', data })
  })

  test('that fails again names the dead letter, and its replay is the next one', () => {
    const job = { type: 'echo', payload: 1 }
    const record = letter({ assignment: { assignment_id: 'job-1', tenant_id: 'acme', job } })
    const again = failedAgain(record, 4)
    expect(again).toMatchObject({ assignment_id: 'job-1.r4', replay_of: record.id })
    expect(lineage(again)).toEqual({ base: 'job-1', job: 'acme\njob-1', atLeast: 5 })
    expect(replayId(again, sendable(again), 5)).toBe('job-1.r5')
  })

  test('whose own id looks like that of a replay is none', () => {
    const record = letter({ assignmentId: 'job.r7' })
    expect(lineage(record)).toEqual({ base: 'job.r7', job: 'acme\njob.r7', atLeast: 1 })
  })

  test.each(['r0', 'r007', 'r100000', 'r999999', 'r999999999999', 'r-1', 'r1e3', 'r٣', 'r'])(
    'that was made up with the number %s is counted from 1',
    (end) => {
      const record = { ...letter({ assignmentId: `job.${end}` }), replay_of: letter().id }
      expect(lineage(record)).toEqual({ base: `job.${end}`, job: `acme\njob.${end}`, atLeast: 1 })
    },
  )

  test('keeps its lineage and a valid id, whatever the id and however often it is replayed', () => {
    fc.assert(
      fc.property(
        assignmentMessages(),
        fc.array(fc.integer({ min: 1, max: 99_999 }), { minLength: 1, maxLength: 4 }),
        (arrival, counts) => {
          const decoded = decodeAssignment(arrival.body, arrival.headers)
          fc.pre(decoded.kind === 'assignment')
          if (decoded.kind !== 'assignment') return
          const { form, raw } = decoded.assignment
          const made = deadLetter({
            ...{ id: letter().id, timestamp: 0, reason: 'JOB_FAILED', workerId: 'w', subject: 's', mask: noMask },
            ...{ ...arrival, headers: {}, form, caller: decoded.assignment, assignment: raw },
          })
          // As it is read back.
          const first = JSON.parse(deadLetterLine(made)) as DeadLetter
          let record = first
          for (const n of counts) {
            const again = failedAgain(record, n)
            expect(isAssignmentId(again.assignment_id)).toBe(true)
            expect(lineage(again)).toEqual({ ...lineage(first), atLeast: n + 1 })
            expect(again.form).toBe(form)
            expect(again.tenant_id).toBe(first.tenant_id)
            expect({ ...again.assignment, assignment_id: '' }).toEqual({ ...first.assignment, assignment_id: '' })
            record = again
          }
        },
      ),
      { numRuns: 200 },
    )
  })

  test('with the longest of ids gets one that fits, and another one for another job', () => {
    const ids = ['é'.repeat(64), `${'é'.repeat(63)}e`, `${'é'.repeat(63)}x`, 'x'.repeat(120), 'x'.repeat(121)]
    const made = ids.map((assignmentId) => {
      const record = letter({ assignmentId })
      return replayId(record, sendable(record), 999_999)
    })
    expect(made.every(isAssignmentId)).toBe(true)
    expect(new Set(made).size).toBe(ids.length)
    expect(made[3]).toBe(`${'x'.repeat(120)}.r999999`)
  })
})

describe('a result that could not be published', () => {
  const result = {
    ...{ version: '1', assignment_id: 'job-1', tenant_id: 'acme', status: 'success', output: { n: 1 } },
    ...{ provider_id: 'w', worker_id: 'w', latency_ms: 1, cost: 0, attempts: 1, timestamp: 1_790_000_000_000 },
  }

  test('goes out as it is, with the headers of a result', () => {
    const record = letter({ reason: 'PUBLISH_ERROR', result })
    const { subject, body, headers = {} } = replayMessage(record, sendable(record), 2, wiring)
    expect(subject).toBe('result')
    expect(JSON.parse(new TextDecoder().decode(body))).toEqual(result)
    expect(headers).toEqual({ version: '1', tenant_id: 'acme', 'Nats-Msg-Id': 'acme:job-1:result' })
    expect(resultOracle({ body, headers })).toEqual([])
    expect(replayId(record, sendable(record), 2)).toBe('job-1')
  })

  test('keeps what traces it', () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    const record = { ...letter({ reason: 'PUBLISH_ERROR', result }), trace_id: 'tr-1', headers: { traceparent } }
    const { headers } = replayMessage(record, sendable(record), 1, wiring)
    expect(headers).toMatchObject({ traceparent })
  })

  test.each([
    ['auto', 'bare', false],
    ['auto', 'envelope', true],
    ['always', 'bare', true],
    ['never', 'envelope', false],
  ] as const)('CAF_ENVELOPE=%s and an assignment that was %s', (envelope, form, isWrapped) => {
    const record = { ...letter({ reason: 'PUBLISH_ERROR', result }), form }
    const { body } = replayMessage(record, sendable(record), 1, { ...wiring, envelope })
    const message: unknown = JSON.parse(new TextDecoder().decode(body))
    expect(message).toEqual(isWrapped ? { version: 'v1', kind: 'exec_result', data: result } : result)
  })
})

describe('what cannot be replayed', () => {
  const { assignment, ...bare } = letter()
  const { assignment_id, ...nameless } = letter()
  const omitted = [{ field: 'assignment', bytes: 1_000_000 }] as const
  const cases: readonly (readonly [string, DeadLetter, string])[] = [
    ['no assignment', { ...bare, raw: 'e30=' }, 'not an assignment'],
    ['nothing readable', { ...nameless, raw: 'e30=', assignment: undefined }, 'not an assignment'],
    ['a masked secret', { ...letter(), masked: true }, 'held a secret'],
    ['too large a record', { ...bare, omitted }, 'too large'],
    ['no id', nameless, 'no assignment id'],
    ['a result that was left out', letter({ reason: 'PUBLISH_ERROR' }), 'too large'],
  ]
  test.each(cases)('%s', (_, record, why) => {
    expect(replayable(record)).toContain(why)
  })

  test('but a result was masked before it was first sent', () => {
    const record = { ...letter({ reason: 'PUBLISH_ERROR', result: { a: 1 } }), masked: true } as const
    expect(sendable(record).kind).toBe('result')
  })
})
