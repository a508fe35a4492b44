/** Every rule of the wire that a published result must keep, written down a second time, apart from the encoder's code. */

interface Published {
  readonly body: Uint8Array
  readonly headers?: Readonly<Record<string, string>>
  /** The largest message in bytes, headers included; 1 MiB as servers have it by default. */
  readonly maxPayload?: number
}

type Fields = Readonly<Record<string, unknown>>

const classes: Readonly<Record<string, readonly [number, ...string[]]>> = {
  INVALID_INPUT: [
    1001,
    'INVALID_INPUT',
    'UNKNOWN_JOB_TYPE',
    'INVALID_PATH',
    'JMESPATH_COMPILE_ERROR',
    'BASE64_DECODE_ERROR',
  ],
  MISSING_REQUIRED_FIELD: [1002, 'MISSING_REQUIRED_FIELD'],
  INVALID_FORMAT: [1003, 'INVALID_FORMAT', 'PARSE_ERROR', 'DECODE_ERROR', 'GRAPHQL_RESPONSE_PARSE_ERROR'],
  EXECUTION_FAILED: [
    2001,
    'SCRIPT_ERROR',
    'JMESPATH_RUNTIME_ERROR',
    'DB_QUERY_ERROR',
    'GRAPHQL_ERRORS',
    'FILE_WRITE_ERROR',
    'FILE_EXISTS',
    'PRECONDITION_FAILED',
    'DATA_CORRUPT',
  ],
  RESOURCE_UNAVAILABLE: [2002, 'RESOURCE_UNAVAILABLE', 'FILE_NOT_FOUND', 'DB_CONNECTION_ERROR'],
  PERMISSION_DENIED: [2003, 'PERMISSION_DENIED', 'TENANT_NOT_ALLOWED'],
  QUOTA_EXCEEDED: [2004, 'QUOTA_EXCEEDED', 'OUTPUT_TOO_LARGE', 'SCRIPT_LIMIT_EXCEEDED'],
  NETWORK_ERROR: [3001, 'HTTP_REQUEST_FAILED', 'GRAPHQL_REQUEST_FAILED'],
  CONNECTION_TIMEOUT: [3002, 'CONNECTION_TIMEOUT'],
  HTTP_ERROR: [3003, 'HTTP_ERROR'],
  INTERNAL_ERROR: [4001, 'INTERNAL_ERROR'],
  SYSTEM_OVERLOAD: [4002, 'SYSTEM_OVERLOAD'],
  CANCELLED_BY_USER: [5001, 'CANCELLED'],
  CANCELLED_BY_TIMEOUT: [5002, 'TIMEOUT', 'DEADLINE_EXCEEDED', 'APPROVAL_EXPIRED'],
}

/** Codes that may be retried; those not here never are. */
const maybeRetried = [
  'RESOURCE_UNAVAILABLE',
  'DB_CONNECTION_ERROR',
  'HTTP_REQUEST_FAILED',
  'GRAPHQL_REQUEST_FAILED',
  'CONNECTION_TIMEOUT',
  'HTTP_ERROR',
  'SYSTEM_OVERLOAD',
  'TIMEOUT',
  'DB_QUERY_ERROR',
]

const faultOfProvider = [
  'HTTP_REQUEST_FAILED',
  'GRAPHQL_REQUEST_FAILED',
  'CONNECTION_TIMEOUT',
  'TIMEOUT',
  'DEADLINE_EXCEEDED',
  'DB_CONNECTION_ERROR',
  'RESOURCE_UNAVAILABLE',
  'SYSTEM_OVERLOAD',
]

const errorTypes: Fields = {
  TIMEOUT: 'timeout',
  CONNECTION_TIMEOUT: 'timeout',
  HTTP_REQUEST_FAILED: 'connection_error',
  GRAPHQL_REQUEST_FAILED: 'connection_error',
  DB_CONNECTION_ERROR: 'connection_error',
}

const uuid4 = /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/i
const traceId = /^[\da-f]{32}$/i
const ulid = /^[0-7][\dABCDEFGHJKMNPQRSTVWXYZ]{25}$/

/** Every rule that a published result breaks, in words; empty when it breaks none. */
export function resultOracle(message: Published): string[] {
  const read = readResult(message.body)
  if (typeof read === 'string') return [read]
  const rules: readonly (readonly [boolean, string])[] = [
    ...identity(read),
    ...numbers(read),
    ...traces(read),
    ...(read['status'] === 'success' ? successes(read) : failures(read)),
    ...(message.headers === undefined ? [] : headerRules(read, message.headers)),
    [size(message) <= (message.maxPayload ?? 1_048_576), 'the message is larger than the server takes'],
  ]
  return rules.flatMap(([kept, rule]) => (kept ? [] : [rule]))
}

function readResult(body: Uint8Array): Fields | string {
  let message: unknown
  try {
    message = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body))
  } catch {
    return 'the body is not JSON in UTF-8'
  }
  if (!isObject(message)) return 'the body is not an object'
  if (hasHalfPair(message)) return 'a string is not valid Unicode'
  if (message['kind'] === undefined) return message
  const { version, kind, data, ...rest } = message
  const proper = version === 'v1' && kind === 'exec_result' && Object.keys(rest).length === 0
  return proper && isObject(data) ? data : 'the envelope is not that of a result'
}

/** Half a surrogate pair, as a key or a value anywhere: strict readers refuse the whole message. */
function hasHalfPair(message: unknown): boolean {
  const left = [message]
  for (let value = left.pop(); value !== undefined; value = left.pop()) {
    if (typeof value === 'string' && !value.isWellFormed()) return true
    if (typeof value === 'object' && value !== null) left.push(...Object.keys(value), ...Object.values(value))
  }
  return false
}

function* identity(result: Fields): Generator<readonly [boolean, string]> {
  const { job, correlation } = result
  yield [result['version'] === '1', 'version is not "1"']
  yield [isText(result['tenant_id']), 'tenant_id is missing or empty']
  yield [
    isText(result['assignment_id']) || isText(result['request_id']),
    'neither assignment_id nor request_id is there',
  ]
  for (const key of ['assignment_id', 'request_id', 'job_type'])
    yield [isTextOrAbsent(result[key]), `${key} is not a text`]
  for (const key of ['provider_id', 'worker_id']) yield [isText(result[key]), `${key} is not a text`]
  yield [
    ['success', 'error', 'timeout', 'cancelled'].includes(String(result['status'])),
    'status is not one of the four',
  ]
  for (const object of [result, job, correlation]) {
    yield [
      object === undefined || (isObject(object) && !Object.values(object).includes(null)),
      'null, or no object, where the router forbids it',
    ]
  }
  yield [job === undefined || (isObject(job) && isText(job['type'])), 'job.type is not a text']
  yield [(isObject(job) ? job['type'] : undefined) === result['job_type'], 'job.type and job_type differ']
  yield [result['sandbox'] === undefined || result['sandbox'] === true, 'sandbox is neither true nor absent']
}

function* numbers(result: Fields): Generator<readonly [boolean, string]> {
  for (const key of ['latency_ms', 'timestamp', 'attempts'])
    yield [isCount(result[key]), `${key} is not a whole number`]
  yield [result['cost'] === 0, 'cost is not 0']
  yield [result['attempts'] !== 0 || result['latency_ms'] === 0, 'latency_ms without an attempt']
}

function* traces(result: Fields): Generator<readonly [boolean, string]> {
  const { trace_id: trace, correlation } = result
  const related = isObject(correlation) ? correlation : {}
  yield [
    trace === undefined || (isText(trace) && (traceId.test(trace) || uuid4.test(trace))),
    'trace_id is not one the router takes',
  ]
  yield [trace === undefined || related['trace_id'] === trace, 'correlation.trace_id does not repeat trace_id']
  yield [correlation === undefined || Object.keys(related).length > 0, 'correlation is empty']
  for (const id of Object.values(related)) yield [isText(id), 'something in correlation is not a text']
  const run = ['run_id', 'flow_id', 'step_id'].map((key) => result[key])
  const valid = run.every((id) => isText(id) && (uuid4.test(id) || ulid.test(id)))
  yield [
    valid || run.every((id) => id === undefined),
    'run_id, flow_id, step_id are at top level but not a valid three',
  ]
}

function* successes(result: Fields): Generator<readonly [boolean, string]> {
  for (const key of Object.keys(result))
    yield [!key.startsWith('error_') && key !== 'retryable', `a success has ${key}`]
}

function* failures(result: Fields): Generator<readonly [boolean, string]> {
  const { status, error_code: code, error_details: details } = result
  const row = Object.entries(classes).find(([, [, ...codes]]) => codes.includes(String(code)))
  yield [row !== undefined, 'error_code is not in the table']
  yield [result['error_class'] === row?.[0], 'error_class is not that of the code']
  yield [result['error_number'] === row?.[1][0], 'error_number is not that of the code']
  yield [
    result['retryable'] === false || (result['retryable'] === true && maybeRetried.includes(String(code))),
    'retryable contradicts the table',
  ]
  yield [details === undefined || isObject(details), 'error_details is not an object']
  yield [(status === 'cancelled') === (code === 'CANCELLED'), 'status cancelled and code CANCELLED go together']
  yield [status !== 'timeout' || row?.[0] === 'CANCELLED_BY_TIMEOUT', 'status timeout has a code of another class']
  yield* messageRules(result)
}

function* messageRules(result: Fields): Generator<readonly [boolean, string]> {
  const { error_code: code, error_message: message, error_type: type, error_details: details } = result
  const soundsLikeOutage = /timeout|connection|unavailable|5/i.test(String(message))
  const serverError = code === 'HTTP_ERROR' && type === 'server_error'
  yield [isText(message), 'error_message is missing or empty']
  yield [
    !soundsLikeOutage || serverError || faultOfProvider.includes(String(code)),
    'error_message reads like an outage of the provider',
  ]
  if (code === 'HTTP_ERROR') {
    const httpStatus = isObject(details) ? details['status'] : undefined
    const byServer = typeof httpStatus === 'number' && httpStatus >= 500 && httpStatus < 600
    yield [type === undefined || serverError, 'error_type is not that of an HTTP error']
    yield [typeof httpStatus !== 'number' || byServer === serverError, 'error_type does not fit the HTTP status']
  } else if (code === 'RESOURCE_UNAVAILABLE') {
    yield [type === undefined || type === 'provider_unavailable', 'error_type is not that of an open breaker']
  } else {
    yield [type === errorTypes[String(code)], 'error_type is not that of the code']
  }
}

function* headerRules(
  result: Fields,
  headers: Readonly<Record<string, string>>,
): Generator<readonly [boolean, string]> {
  for (const [name, value] of Object.entries(headers)) {
    yield [/^[!-~]+$/.test(value), `header ${name} is empty or not visible ASCII`]
    yield [name === 'Nats-Msg-Id' || !/^nats-/i.test(name), `header ${name} belongs to the server`]
  }
  const { 'Nats-Msg-Id': id, trace_id: trace, tenant_id: tenant, version, traceparent } = headers
  yield [version === '1', 'header version is not 1']
  yield [decoded(tenant) === result['tenant_id'], 'header tenant_id is not the tenant']
  yield [trace === result['trace_id'], 'header trace_id is not the trace_id of the result']
  yield [
    traceparent === undefined || /^[\da-f]{2}-[\da-f]{32}-[\da-f]{16}-[\da-f]{2}$/.test(traceparent),
    'header traceparent is not valid',
  ]
  if (result['error_code'] === 'SYSTEM_OVERLOAD')
    yield [id === undefined, 'a refusal that may be sent again has a Nats-Msg-Id']
  else yield [isMessageId(id, result), 'header Nats-Msg-Id is not tenant, assignment and purpose']
}

function isMessageId(id: string | undefined, result: Fields): boolean {
  const [tenant, assignment, purpose, ...rest] = id?.split(':') ?? []
  const same = decoded(tenant) === result['tenant_id'] && decoded(assignment) === result['assignment_id']
  return same && purpose === 'result' && rest.length === 0
}

function decoded(value: string | undefined): string | undefined {
  try {
    return value && decodeURIComponent(value)
  } catch {
    return undefined
  }
}

/** As NATS counts it: the header block, with its status line, and the payload. */
function size({ body, headers = {} }: Published): number {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return body.length + `NATS/1.0\r\n${lines.join('')}\r\n`.length
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

function isTextOrAbsent(value: unknown): boolean {
  return value === undefined || isText(value)
}

function isCount(value: unknown): boolean {
  return Number.isInteger(value) && Number(value) >= 0
}
