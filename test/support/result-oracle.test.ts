import { expect, test } from 'bun:test'
import { resultOracle } from './result-oracle.ts'

const trace = '0af7651916cd43dd8448eb211c80319c'
const uuid = '6f9619ff-8b86-4d01-b42d-00cf4fc964ff'

const good = {
  version: '1',
  assignment_id: 'a:1',
  request_id: 'r-1',
  tenant_id: 'acme',
  status: 'success',
  provider_id: 'openai:gpt-4o',
  worker_id: 'worker-1',
  job: { type: 'echo' },
  job_type: 'echo',
  output: { a: null },
  latency_ms: 12,
  cost: 0,
  attempts: 1,
  timestamp: 1_706_371_200_000,
  trace_id: trace,
  correlation: { trace_id: trace },
}

const failure = {
  status: 'error',
  error_code: 'SCRIPT_ERROR',
  error_message: 'The script failed',
  error_class: 'EXECUTION_FAILED',
  error_number: 2001,
  retryable: false,
}

const headers = { version: '1', tenant_id: 'acme', trace_id: trace, 'Nats-Msg-Id': 'acme:a%3A1:result' }

function body(result: unknown): Uint8Array {
  return new TextEncoder().encode(typeof result === 'string' ? result : JSON.stringify(result))
}

test('finds nothing wrong with good results', () => {
  expect(resultOracle({ body: body(good), headers })).toEqual([])
  expect(resultOracle({ body: body({ ...good, ...failure }), headers })).toEqual([])
  expect(resultOracle({ body: body({ version: 'v1', kind: 'exec_result', data: good }) })).toEqual([])
  expect(resultOracle({ body: body({ ...good, run_id: uuid, flow_id: uuid, step_id: uuid }) })).toEqual([])
})

test.each([
  ['{', 'the body is not JSON in UTF-8'],
  [[good], 'the body is not an object'],
  [{ version: 'v1', kind: 'exec_ack', data: good }, 'the envelope is not that of a result'],
  [{ ...good, output: ['\ud800'] }, 'a string is not valid Unicode'],
  [{ ...good, output: { '\udfff': 1 } }, 'a string is not valid Unicode'],
  [{ ...good, version: 'v1' }, 'version is not "1"'],
  [{ ...good, tenant_id: '' }, 'tenant_id is missing or empty'],
  [{ ...good, assignment_id: undefined, request_id: undefined }, 'neither assignment_id nor request_id is there'],
  [{ ...good, request_id: 5 }, 'request_id is not a text'],
  [{ ...good, provider_id: undefined }, 'provider_id is not a text'],
  [{ ...good, status: 'canceled' }, 'status is not one of the four'],
  [{ ...good, output: null }, 'null, or no object, where the router forbids it'],
  [{ ...good, correlation: { trace_id: trace, run_id: null } }, 'null, or no object, where the router forbids it'],
  [{ ...good, job: {}, job_type: undefined }, 'job.type is not a text'],
  [{ ...good, job_type: 'sleep' }, 'job.type and job_type differ'],
  [{ ...good, sandbox: false }, 'sandbox is neither true nor absent'],
  [{ ...good, latency_ms: 1.5 }, 'latency_ms is not a whole number'],
  [{ ...good, timestamp: '2024' }, 'timestamp is not a whole number'],
  [{ ...good, cost: '0' }, 'cost is not 0'],
  [{ ...good, attempts: 0 }, 'latency_ms without an attempt'],
  [{ ...good, trace_id: 'tr-1', correlation: { trace_id: 'tr-1' } }, 'trace_id is not one the router takes'],
  [{ ...good, correlation: undefined }, 'correlation.trace_id does not repeat trace_id'],
  [{ ...good, trace_id: undefined, correlation: {} }, 'correlation is empty'],
  [{ ...good, run_id: uuid }, 'run_id, flow_id, step_id are at top level but not a valid three'],
  [{ ...good, retryable: false }, 'a success has retryable'],
  [{ ...good, ...failure, error_code: 'OOPS' }, 'error_code is not in the table'],
  [{ ...good, ...failure, error_class: 'INTERNAL_ERROR' }, 'error_class is not that of the code'],
  [{ ...good, ...failure, error_number: 4001 }, 'error_number is not that of the code'],
  [{ ...good, ...failure, retryable: true }, 'retryable contradicts the table'],
  [{ ...good, ...failure, error_details: [] }, 'error_details is not an object'],
  [{ ...good, ...failure, status: 'cancelled' }, 'status cancelled and code CANCELLED go together'],
  [{ ...good, ...failure, status: 'timeout' }, 'status timeout has a code of another class'],
  [{ ...good, ...failure, error_message: '' }, 'error_message is missing or empty'],
  [{ ...good, ...failure, error_message: 'line 5' }, 'error_message reads like an outage of the provider'],
  [{ ...good, ...failure, error_type: 'timeout' }, 'error_type is not that of the code'],
  [{ ...good, output: 'x'.repeat(1_048_576) }, 'the message is larger than the server takes'],
])('%#: finds %j wrong', (result, rule) => {
  expect(resultOracle({ body: body(result) })).toContain(rule)
})

test('finds an HTTP status and the type of the fault at odds', () => {
  const code = { error_code: 'HTTP_ERROR', error_class: 'HTTP_ERROR', error_number: 3003 }
  const http = (status: number, type?: string): string[] =>
    resultOracle({ body: body({ ...good, ...failure, ...code, error_details: { status }, error_type: type }) })
  expect([http(503, 'server_error'), http(404)]).toEqual([[], []])
  expect(http(503)).toEqual(['error_type does not fit the HTTP status'])
  expect(http(404, 'server_error')).toEqual(['error_type does not fit the HTTP status'])
})

test.each([
  [{ ...headers, extra: '' }, 'header extra is empty or not visible ASCII'],
  [{ ...headers, extra: 'a b' }, 'header extra is empty or not visible ASCII'],
  [{ ...headers, 'Nats-Expected-Stream': 'x' }, 'header Nats-Expected-Stream belongs to the server'],
  [{ ...headers, version: 'v1' }, 'header version is not 1'],
  [{ ...headers, tenant_id: 'other' }, 'header tenant_id is not the tenant'],
  [{ version: '1', tenant_id: 'acme' }, 'header trace_id is not the trace_id of the result'],
  [{ ...headers, traceparent: 'x' }, 'header traceparent is not valid'],
  [{ ...headers, 'Nats-Msg-Id': 'acme:a:1:result' }, 'header Nats-Msg-Id is not tenant, assignment and purpose'],
  [{ ...headers, 'Nats-Msg-Id': 'acme:a%3A1:ack' }, 'header Nats-Msg-Id is not tenant, assignment and purpose'],
])('%#: finds the headers %j wrong', (wrong, rule) => {
  expect(resultOracle({ body: body(good), headers: wrong })).toContain(rule)
})

test('finds a message id where there may be none', () => {
  const overload = {
    ...good,
    ...failure,
    error_code: 'SYSTEM_OVERLOAD',
    error_class: 'SYSTEM_OVERLOAD',
    error_number: 4002,
  }
  expect(resultOracle({ body: body(overload), headers })).toEqual([
    'a refusal that may be sent again has a Nats-Msg-Id',
  ])
})
