import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { type Submission, toSubmission } from '../../src/exchange/submission.ts'
import { decodeAssignment } from '../../src/protocol/codec.ts'

function taken(written: unknown): Submission {
  const submission = toSubmission(written)
  if (!('body' in submission)) throw new Error(JSON.stringify(submission))
  return submission
}

function read(written: unknown) {
  const decoded = decodeAssignment(taken(written).body, {})
  if (decoded.kind !== 'assignment') throw new Error(decoded.kind)
  return decoded.assignment
}

function fieldsOf(written: unknown): string[] {
  const submission = toSubmission(written)
  return 'body' in submission ? [] : submission.map(({ field }) => field)
}

describe('what a person wrote', () => {
  test.each([998, 999, 1000, 1001, 50_000])('is taken exactly when the worker would take it: %d levels', (depth) => {
    const written = { job: { type: 'echo', payload: JSON.parse('['.repeat(depth) + ']'.repeat(depth)) as unknown } }
    const submission = toSubmission(written)
    const problems = [{ field: '', problem: 'is nested too deeply' }]
    if (depth > 998) expect(submission).toEqual(problems)
    else expect(decodeAssignment(taken(written).body, {}).kind).toBe('assignment')
  })

  test('is an assignment when it is one, and keeps everything', () => {
    const written = {
      version: '1.0',
      assignment_id: 'mine',
      tenant_id: 'acme',
      request_id: 'r',
      job: { type: 'echo', payload: [1] },
      options: { priority: 7 },
    }
    const submission = taken(written)
    expect(submission).toMatchObject({ assignmentId: 'mine', tenantId: 'acme' })
    expect(JSON.parse(new TextDecoder().decode(submission.body))).toEqual(written)
  })

  test('may be in an envelope', () => {
    const data = { assignment_id: 'inside', job: { type: 'echo' } }
    expect(taken({ version: 'v1', kind: 'exec_assign', data }).assignmentId).toBe('inside')
  })

  test('may be only a job: ids are made up, each its own', () => {
    const [one, two] = [taken({ type: 'echo', payload: 1 }), taken({ type: 'echo', payload: 1 })]
    expect(one.assignmentId).not.toBe(two.assignmentId)
    expect(one.tenantId).toBe('local')
    expect(read({ type: 'echo', payload: 1 })).toMatchObject({ jobType: 'echo', input: { value: 1 } })
    expect(read({ type: 'sleep', ms: 5 })).toMatchObject({ input: { value: { ms: 5 } } })
  })

  test('may be a job with ids and options beside it', () => {
    const assignment = read({ type: 'echo', payload: 1, assignment_id: 'a', tenant_id: 't', options: { priority: 3 } })
    expect(assignment).toMatchObject({ assignmentId: 'a', tenantId: 't', priority: 3 })
    expect(assignment.raw['job']).toEqual({ type: 'echo', payload: 1 })
  })

  test('may say null where it says nothing', () => {
    expect(taken({ assignment_id: null, tenant_id: null, version: null, job: { type: 'echo' } }).tenantId).toBe('local')
  })
})

describe('what is wrong', () => {
  test.each([
    [7, ['']],
    [null, ['']],
    [[], ['']],
    [{}, ['job']],
    [{ job: 'echo' }, ['job']],
    [{ job: {} }, ['job.type']],
    [{ job: { type: 7 } }, ['job.type']],
    [{ type: '' }, ['job.type']],
    [{ assignment_id: 7, tenant_id: '', job: { type: '' } }, ['assignment_id', 'tenant_id', 'job.type']],
    [{ assignment_id: 'x'.repeat(129), job: { type: 'echo' } }, ['assignment_id']],
    [{ tenant_id: 'a\nb', job: { type: 'echo' } }, ['tenant_id']],
  ])('in %j is named all at once: %p', (written, fields) => {
    expect(fieldsOf(written)).toEqual(fields)
  })

  test('never throws, and what is taken can be read by a worker', () => {
    const some = fc.record(
      {
        version: fc.constantFrom('1', '1.0', 'v1', null),
        assignment_id: fc.oneof(fc.string(), fc.integer(), fc.constant(null)),
        tenant_id: fc.oneof(fc.string(), fc.constant(null)),
        job: fc.oneof(fc.jsonValue(), fc.record({ type: fc.string(), payload: fc.jsonValue() })),
        type: fc.oneof(fc.string(), fc.integer()),
        options: fc.jsonValue(),
      },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), some), (written) => {
        const submission = toSubmission(written)
        if (!('body' in submission)) return expect(submission.length).toBeGreaterThan(0)
        const decoded = decodeAssignment(submission.body, {})
        const readable = decoded.kind === 'assignment' || (decoded.kind === 'malformed' && decoded.caller !== undefined)
        expect(readable || decoded.kind === 'refused').toBe(true)
      }),
    )
  })

  test('of an envelope of an unknown version is refused, as the bus would refuse it', () => {
    const data = { job: { type: 'echo' } }
    expect(toSubmission({ version: 'v9', kind: 'exec_assign', data })).toEqual([
      { field: 'version', problem: 'is not supported' },
    ])
    expect(toSubmission({ version: 'v1', kind: 'exec_assign', data })).toHaveProperty('body')
  })
})
