import { expect, test } from 'bun:test'
import { JobError } from '../../src/errors.ts'
import { type Assignment, explicitTimeoutMs } from '../../src/protocol/assignment.ts'

function assignment(timeoutMs: unknown): Assignment {
  return {
    assignmentId: 'a',
    tenantId: 't',
    jobType: 'sleep',
    form: 'bare',
    input: { kind: 'value', value: {} },
    timeoutMs,
    priority: 50,
    raw: {},
    ignored: [],
  }
}

test.each([
  [undefined, {}, undefined],
  [undefined, 'text', undefined],
  [undefined, { timeout_ms: null }, undefined],
  [100, {}, 100],
  [100, { timeout_ms: 7 }, 7],
  [100, [7], 100],
  ['soon', { timeout_ms: 7 }, 7],
])('job %p and payload %j ask for %p', (job, payload, wanted) => {
  expect(explicitTimeoutMs(assignment(job), payload)).toBe(wanted)
})

test.each([0, -1, 1.5, '100', true, {}, 1e300])('%p is no limit', (value) => {
  const wrong = { code: 'INVALID_INPUT', message: expect.not.stringMatching(/timeout|5/) }
  expect(thrown(() => explicitTimeoutMs(assignment(value), {}))).toMatchObject({
    ...wrong,
    details: { field: 'job.timeout_ms' },
  })
  const own = thrown(() => explicitTimeoutMs(assignment(100), { timeout_ms: value }))
  expect(own).toMatchObject({ ...wrong, details: { field: 'job.payload.timeout_ms' } })
})

function thrown(run: () => unknown): unknown {
  try {
    run()
  } catch (error) {
    expect(error).toBeInstanceOf(JobError)
    return error
  }
  throw new Error('nothing was thrown')
}
