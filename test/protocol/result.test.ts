import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { JobError } from '../../src/errors.ts'
import { noMask } from '../../src/lib/secret-mask.ts'
import type { Caller } from '../../src/protocol/assignment.ts'
import { decodeAssignment } from '../../src/protocol/codec.ts'
import { type EncodedResult, type Ending, encodeResult, type ResultStamp } from '../../src/protocol/result.ts'
import { type Arrival, assignmentMessages, endings, rubbish, stamps } from '../support/arbitraries.ts'
import { maskOf } from '../support/mask-of.ts'
import { resultOracle } from '../support/result-oracle.ts'
import { goldenVectors, vectorBody } from '../support/vectors.ts'

const caller: Caller = { assignmentId: 'a-1', tenantId: 'acme', jobType: 'echo', form: 'bare' }
const stamp: ResultStamp = {
  workerId: 'worker-1',
  attempts: 1,
  latencyMs: 12,
  timestamp: 1_706_371_200_000,
  sandbox: false,
}
const roomy = { mode: 'auto', maxPayload: 1_048_576, mask: noMask } as const

function encode(ending: Ending, from: Partial<Caller> = {}, maxPayload: number = roomy.maxPayload): EncodedResult {
  const encoded = encodeResult({ ...caller, ...from }, ending, stamp, { ...roomy, maxPayload })
  expect(resultOracle({ ...encoded, maxPayload })).toEqual([])
  return encoded
}

function failed(error: JobError, extra: { details?: Record<string, unknown>; retryable?: boolean } = {}): Ending {
  return { status: 'error', error, retryable: false, ...extra }
}

function text({ body }: EncodedResult): string {
  return new TextDecoder().decode(body)
}

/** Who can be answered, if anybody. */
function callerOf({ body, headers }: Arrival): Caller | undefined {
  const decoded = decodeAssignment(body, headers)
  if (decoded.kind === 'assignment') return decoded.assignment
  return decoded.kind === 'ignored' ? undefined : decoded.caller
}

describe('whatever arrives and however it ends', () => {
  test('the result keeps every rule', () => {
    let answered = 0
    const callers = fc.oneof({ weight: 4, arbitrary: assignmentMessages() }, rubbish()).map(callerOf)
    const modes = fc.constantFrom('auto', 'always', 'never')
    fc.assert(
      fc.property(
        callers,
        endings(),
        stamps(),
        modes,
        fc.constantFrom(262_144, 1_048_576),
        (from, ending, by, mode, maxPayload) => {
          if (from === undefined) return
          answered += 1
          const encoded = encodeResult(from, ending, by, { mode, maxPayload, mask: noMask })
          expect(resultOracle({ ...encoded, maxPayload })).toEqual([])
          expect(resultOracle({ body: new TextEncoder().encode(JSON.stringify(encoded.result)) })).toEqual([])
        },
      ),
      { numRuns: 1000 },
    )
    expect(answered).toBeGreaterThan(250)
  }, 30_000)

  test('the same ending is encoded to the same bytes', () => {
    const ending: Ending = { status: 'success', output: { a: [1, null] } }
    expect(text(encode(ending))).toBe(text(encode(ending)))
  })
})

describe('golden answers', () => {
  const succeeded = goldenVectors().filter(({ expect: { result } }) => result?.['status'] === 'success')
  test.each(succeeded.map((vector) => [vector.name, vector] as const))('%s', (_name, vector) => {
    const from = callerOf({ body: vectorBody(vector), headers: {} })
    if (!from || !vector.expect.result) throw new Error('this case has no caller or no result')
    const encoded = encodeResult(from, { status: 'success', output: vector.expect.result['output'] }, stamp, roomy)
    expect(resultOracle(encoded)).toEqual([])
    expect(encoded.result).toMatchObject(vector.expect.result)
    for (const key of vector.expect.absent ?? []) expect(encoded.result).not.toHaveProperty(key)
    expect('kind' in JSON.parse(text(encoded))).toBe(vector.expect.form === 'envelope')
  })

  test('there are some', () => {
    expect(succeeded.length).toBeGreaterThan(15)
  })
})

describe('output', () => {
  test.each([undefined, null, Number.NaN, () => 1, Symbol('s'), { toJSON: () => null }])('%p is left out', (output) => {
    expect(encode({ status: 'success', output }).result).not.toHaveProperty('output')
  })

  test.each([[false], [0], [''], [[]], [{ a: null }]])('%j is kept', (output) => {
    expect(encode({ status: 'success', output }).result['output']).toEqual(output)
  })

  test('that is not JSON ends the job as INTERNAL_ERROR', () => {
    const encoded = encode({ status: 'success', output: { n: 1n } })
    expect(encoded.result).toMatchObject({ status: 'error', error_code: 'INTERNAL_ERROR', retryable: false })
    expect(encoded.ending).toMatchObject({ status: 'error', error: { code: 'INTERNAL_ERROR' } })
  })

  test('with half a surrogate pair is sent with the replacement character, its backslashes untouched', () => {
    expect(encode({ status: 'success', output: ['\ud800', '\\ud800', '\\\udc00', '😀'] }).result['output']).toEqual([
      '\ufffd',
      '\\ud800',
      '\\\ufffd',
      '😀',
    ])
  })

  test('may fill the message to the last byte, headers included', () => {
    const whole = encode({ status: 'success', output: 'é'.repeat(500) })
    const bytes = messageBytes(whole)
    expect(encode({ status: 'success', output: 'é'.repeat(500) }, {}, bytes).ending.status).toBe('success')
    const over = encode({ status: 'success', output: 'é'.repeat(500) }, {}, bytes - 1)
    expect(over.result).toMatchObject({
      status: 'error',
      error_code: 'OUTPUT_TOO_LARGE',
      error_details: { bytes, limit: bytes - 1 },
    })
    expect(over.result).not.toHaveProperty('output')
  })

  function messageBytes({ body, headers }: EncodedResult): number {
    return (
      body.length + Object.entries(headers).reduce((sum, [name, value]) => sum + `${name}: ${value}\r\n`.length, 12)
    )
  }
})

describe('failure', () => {
  test('repeats the table, and lays the details over those of the error', () => {
    const error = new JobError('HTTP_ERROR', 'The server answered 503', {
      details: { status: 503, a: 1 },
      output: { body: 'x' },
    })
    expect(encode(failed(error, { details: { a: 2 }, retryable: true })).result).toMatchObject({
      error_code: 'HTTP_ERROR',
      error_message: 'The server answered 503',
      error_class: 'HTTP_ERROR',
      error_number: 3003,
      error_type: 'server_error',
      retryable: true,
      error_details: { status: 503, a: 2 },
      output: { body: 'x' },
    })
  })

  test('loses its output, then its details, when they do not fit or are not JSON, but never its error', () => {
    const big = new JobError('SCRIPT_ERROR', 'x', { details: { line: 7 }, output: 'o'.repeat(2000) })
    const withDetails = encode(failed(big), {}, 1000).result
    expect(withDetails).toMatchObject({ error_code: 'SCRIPT_ERROR', error_details: { line: 7 } })
    expect(withDetails).not.toHaveProperty('output')
    const bare = encode(failed(big, { details: { more: 'd'.repeat(2000) } }), {}, 1000).result
    expect(bare).toMatchObject({ error_code: 'SCRIPT_ERROR' })
    expect(bare).not.toHaveProperty('error_details')
    const odd = encode(failed(new JobError('SCRIPT_ERROR', 'x', { details: { n: 1n }, output: 1n }))).result
    expect(odd).toMatchObject({ error_code: 'SCRIPT_ERROR' })
    expect(odd).not.toHaveProperty('error_details')
  })

  test('SYSTEM_OVERLOAD may be sent again, so no stream may drop it as a copy', () => {
    const { headers } = encode(failed(new JobError('SYSTEM_OVERLOAD', 'no room'), { retryable: true }))
    expect(headers).not.toHaveProperty('Nats-Msg-Id')
  })
})

describe('what the caller sent', () => {
  test('ids in headers are told apart whatever they contain', () => {
    const one = encode({ status: 'success', output: 1 }, { tenantId: 'a:b', assignmentId: 'c' })
    const other = encode({ status: 'success', output: 1 }, { tenantId: 'a', assignmentId: 'b:c' })
    expect(one.headers['Nats-Msg-Id']).toBe('a%3Ab:c:result')
    expect(other.headers['Nats-Msg-Id']).toBe('a:b%3Ac:result')
    expect(encode({ status: 'success', output: 1 }, { tenantId: 'Büro 5%' }).headers['tenant_id']).toBe(
      'B%C3%BCro%205%25',
    )
  })

  test('run ids stand at the top only as a valid three', () => {
    const runId = '6f9619ff-8b86-4d01-b42d-00cf4fc964ff'
    const three = { runId, flowId: '01ARZ3NDEKTSV4RRFFQ69G5FAV', stepId: runId }
    const valid = encode({ status: 'success', output: 1 }, three).result
    expect(valid).toMatchObject({ run_id: runId, flow_id: three.flowId, step_id: runId })
    expect(valid).not.toHaveProperty('correlation')
    const lower = encode({ status: 'success', output: 1 }, { ...three, flowId: three.flowId.toLowerCase() }).result
    expect(lower).not.toHaveProperty('run_id')
    expect(lower['correlation']).toEqual({ run_id: runId, flow_id: three.flowId.toLowerCase(), step_id: runId })
  })

  test('travels in the form it came in, unless that is set', () => {
    const ending: Ending = { status: 'success', output: 1 }
    const form = (mode: 'auto' | 'always' | 'never', came: 'bare' | 'envelope'): boolean =>
      text(encodeResult({ ...caller, form: came }, ending, stamp, { ...roomy, mode })).startsWith(
        '{"version":"v1","kind":"exec_result"',
      )
    expect([form('auto', 'bare'), form('auto', 'envelope')]).toEqual([false, true])
    expect([form('always', 'bare'), form('never', 'envelope')]).toEqual([true, false])
  })
})

test('a sandbox says so, a refused job took no time', () => {
  const refused = encodeResult(
    caller,
    failed(new JobError('UNKNOWN_JOB_TYPE', 'Unknown job type: x5')),
    { ...stamp, attempts: 0, sandbox: true },
    roomy,
  )
  expect(resultOracle(refused)).toEqual([])
  expect(refused.result).toMatchObject({ sandbox: true, attempts: 0, latency_ms: 0, error_message: 'Unknown job type' })
})

describe('a secret', () => {
  const mask = maskOf('hunter2-hunter2', 'assignment_id', 'job_type', 'success', 'field')
  const encodeMasked = (ending: Ending, from: Partial<Caller> = {}): EncodedResult => {
    const encoded = encodeResult({ ...caller, ...from }, ending, stamp, { ...roomy, mask })
    expect(resultOracle(encoded)).toEqual([])
    return encoded
  }

  test('stands in no output', () => {
    const echoed = { headers: { authorization: 'Bearer hunter2-hunter2' }, list: ['hunter2-hunter2'] }
    const { result } = encodeMasked({ status: 'success', output: echoed })
    expect(result['output']).toEqual({ headers: { authorization: 'Bearer ***' }, list: ['***'] })
    expect(encodeMasked({ status: 'success', output: 'hunter2-hunter2' }).result['output']).toBe('***')
  })

  test('stands in no name of an output either', () => {
    const { result } = encodeMasked({ status: 'success', output: { 'x-hunter2-hunter2': 1 } })
    expect(result['output']).toEqual({ 'x-***': 1 })
  })

  test('that is one of the names or words of a result leaves them alone', () => {
    const { result } = encodeMasked({ status: 'success', output: 1 })
    expect(result).toMatchObject({ status: 'success', assignment_id: 'a-1', job_type: 'echo' })
  })

  test('stands in no error: not in its message, its details, its output', () => {
    const error = new JobError('HTTP_ERROR', 'Answered hunter2-hunter2', {
      details: { status: 401, field: 'hunter2-hunter2' },
      output: { body: 'no hunter2-hunter2 here' },
    })
    const { result } = encodeMasked(failed(error, { details: { more: 'hunter2-hunter2' } }))
    expect(result).toMatchObject({
      error_message: 'Answered ***',
      error_details: { status: 401, field: '***', more: '***' },
      output: { body: 'no *** here' },
    })
  })

  test("that is also the caller's own id leaves the id alone", () => {
    const { result } = encodeMasked({ status: 'success', output: 1 }, { assignmentId: 'hunter2-hunter2' })
    expect(result['assignment_id']).toBe('hunter2-hunter2')
  })
})
