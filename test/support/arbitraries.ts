/** What may arrive, and what handlers may answer, as fast-check draws it: honest, careless and hostile. */
import fc from 'fast-check'
import { type ErrorCode, errorKinds, JobError } from '../../src/errors.ts'
import type { Ending, ResultStamp } from '../../src/protocol/result.ts'

/** A message as it arrives. */
export interface Arrival {
  readonly body: Uint8Array
  readonly headers: Readonly<Record<string, string>>
}

/** Any characters at all. The unit `binary` of fast-check draws the same, but takes half a second to begin. */
export function characters(maxLength: number): fc.Arbitrary<string> {
  const points = fc.oneof(fc.integer({ min: 0, max: 0x10ffff }), fc.integer({ min: 0, max: 0xff }))
  return fc.array(points, { maxLength }).map((list) => String.fromCodePoint(...list))
}

/** Texts that look honest, and texts with control characters, half surrogate pairs, colons, percent signs, great length. */
function texts(): fc.Arbitrary<string> {
  const words = [
    'a-1',
    'acme',
    '',
    'undefined',
    'null',
    '__proto__',
    'a:b%3A',
    'tenant 5',
    '\ud800',
    'x\udfff\ud83d',
    '\0',
    'é'.repeat(130),
  ]
  return fc.oneof(
    { weight: 4, arbitrary: fc.stringMatching(/^[a-z][a-z0-9-]{0,30}$/) },
    fc.constantFrom(...words),
    characters(40),
    fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 20 }).map((units) => String.fromCharCode(...units)),
    fc.integer({ min: 1, max: 20_000 }).map((length) => 'x'.repeat(length)),
  )
}

function ids(): fc.Arbitrary<string> {
  const ulids = fc.ulid()
  const hex = fc.stringMatching(/^[0-9a-f]{32}$/)
  return fc.oneof(fc.uuid({ version: 4 }), fc.uuid({ version: 1 }), ulids, hex, texts())
}

function integers(): fc.Arbitrary<unknown> {
  return fc.oneof(fc.integer({ min: -10, max: 200 }), fc.integer(), fc.double(), fc.maxSafeInteger())
}

/** A value of the right type, now and then missing, null or of any other type. */
function careless(honest: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return fc.oneof(
    { weight: 8, arbitrary: honest },
    { weight: 1, arbitrary: fc.constantFrom(undefined, null) },
    fc.jsonValue(),
  )
}

function keyed(model: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<Record<string, unknown>> {
  return fc.record(model, { requiredKeys: [] })
}

function assignmentObjects(): fc.Arbitrary<Record<string, unknown>> {
  const trace = { trace_id: careless(ids()) }
  const run = { run_id: careless(ids()), flow_id: careless(ids()), step_id: careless(ids()) }
  const required = {
    assignment_id: fc.oneof({ weight: 8, arbitrary: ids() }, careless(ids())),
    tenant_id: fc.oneof({ weight: 8, arbitrary: texts() }, careless(texts())),
    job: careless(
      keyed({
        type: careless(fc.oneof(fc.constantFrom('echo', 'sleep', 'http5', 'connection'), texts())),
        payload: careless(fc.jsonValue()),
        inputs: careless(fc.jsonValue()),
        payload_ref: careless(texts()),
        timeout_ms: careless(integers()),
        ms: integers(),
      }),
    ),
  }
  const optional = {
    version: fc.oneof({ weight: 8, arbitrary: fc.constantFrom('1', '1.0', 'v1', undefined) }, careless(texts())),
    request_id: careless(ids()),
    executor: careless(keyed({ provider_id: careless(texts()) })),
    options: careless(
      keyed({
        priority: careless(integers()),
        deadline_ms: careless(integers()),
        retry: careless(keyed({ max_attempts: careless(integers()), backoff_ms: careless(integers()) })),
      }),
    ),
    metadata: careless(keyed({ user_id: careless(texts()) })),
    correlation: careless(keyed({ ...trace, ...run })),
    ...trace,
    ...run,
  }
  return fc.record({ ...required, ...optional }, { requiredKeys: ['assignment_id', 'tenant_id', 'job'] })
}

function headers(): fc.Arbitrary<Readonly<Record<string, string>>> {
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  return fc.record(
    {
      traceparent: fc.oneof(fc.constant(traceparent), texts()),
      trace_id: ids(),
      tenant_id: texts(),
      'Nats-Msg-Id': texts(),
    },
    { requiredKeys: [] },
  )
}

/** Messages that are, or nearly are, assignments: bare and enveloped. */
export function assignmentMessages(): fc.Arbitrary<Arrival> {
  const envelopes = fc.record({
    version: fc.constantFrom('v1', '1', 'v9', 7),
    kind: fc.constantFrom('exec_assign', 'exec_assign', 'exec_assign', 'exec_result', 'heartbeat', 'other', 5),
    data: careless(assignmentObjects()),
  })
  const message = fc.oneof({ weight: 3, arbitrary: assignmentObjects() }, envelopes)
  return fc.record({ body: message.map((value) => bytes(JSON.stringify(value))), headers: headers() })
}

/** Bytes that nobody should send: noise, any JSON, torn and deeply nested messages. */
export function rubbish(): fc.Arbitrary<Arrival> {
  const torn = fc.tuple(assignmentMessages(), fc.nat(400)).map(([{ body }, cut]) => body.slice(0, cut))
  const nested = fc.integer({ min: 1, max: 60_000 }).map((depth) => {
    const payload = '['.repeat(depth) + ']'.repeat(depth)
    return bytes(`{"assignment_id":"deep","tenant_id":"acme","job":{"type":"echo","payload":${payload}}}`)
  })
  const twice = bytes(
    '{"job":1,"__proto__":{"assignment_id":"p"},"assignment_id":"a","assignment_id":5,"tenant_id":"t"}',
  )
  const body = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.json().map(bytes),
    torn,
    { weight: 1, arbitrary: nested },
    fc.constant(twice),
  )
  return fc.record({ body, headers: headers() })
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

/** Outputs and details as a careless handler may produce them; many of them JSON cannot hold. */
function hostileValues(): fc.Arbitrary<unknown> {
  const cycle: { self?: unknown } = {}
  cycle.self = cycle
  const trap = {
    get value(): never {
      throw new Error('do not read me')
    },
  }
  const odd = [
    undefined,
    null,
    Number.NaN,
    -0,
    1n,
    cycle,
    trap,
    Symbol('s'),
    () => 1,
    new Date(Number.NaN),
    new Map([[1, 2]]),
  ]
  const disguised = [
    { toJSON: () => null },
    { toJSON: () => undefined },
    { toJSON: () => 'text' },
    { toJSON: () => 1n },
  ]
  return fc.oneof(
    { weight: 3, arbitrary: fc.jsonValue() },
    texts(),
    fc.constantFrom<unknown>(...odd, ...disguised),
    fc.dictionary(texts(), fc.oneof(texts(), fc.constantFrom<unknown>(1n, undefined, Number.POSITIVE_INFINITY))),
    fc.integer({ min: 1, max: 40_000 }).map((length) => ({ huge: '\u0001'.repeat(length) })),
  )
}

/** Anything as error details: objects with hostile values in them. */
function details(): fc.Arbitrary<Record<string, unknown>> {
  return fc.oneof(
    fc.dictionary(texts(), hostileValues(), { maxKeys: 3 }),
    fc.record({ status: fc.constantFrom(404, 429, 503, '503') }),
    fc.record({
      toJSON: fc.constantFrom(
        () => 'text',
        () => null,
      ),
    }),
    fc.record({ breaker: fc.constantFrom('open', 'closed') }),
  )
}

// The keys of the table are the codes; Object.keys only forgets it.
const codes = Object.keys(errorKinds) as ErrorCode[]

function errors(): fc.Arbitrary<JobError> {
  const messages = fc.oneof(
    texts(),
    fc.constantFrom('Connection refused', 'code 5', 'Timeout', 'UNAVAILABLE', 'all is well'),
  )
  return fc
    .record({ code: fc.constantFrom(...codes), message: messages, details: details(), output: hostileValues() })
    .map(({ code, message, ...rest }) => new JobError(code, message, rest))
}

/** Every way a job can end, its status and `retryable` as its code allows them. */
export function endings(): fc.Arbitrary<Ending> {
  const success = hostileValues().map((output): Ending => ({ status: 'success', output }))
  const failure = fc
    .tuple(errors(), fc.boolean(), fc.option(details(), { nil: undefined }))
    .map(([error, again, over]) => {
      const retryable = again && errorKinds[error.code].retried
      return { status: statusOf(error.code), error, retryable, details: over } satisfies Ending
    })
  return fc.oneof(success, failure)
}

function statusOf(code: ErrorCode): 'error' | 'timeout' | 'cancelled' {
  if (code === 'CANCELLED') return 'cancelled'
  return errorKinds[code].class === 'CANCELLED_BY_TIMEOUT' ? 'timeout' : 'error'
}

/** What the worker adds to a result. */
export function stamps(): fc.Arbitrary<ResultStamp> {
  return fc.record({
    workerId: fc.stringMatching(/^worker-[a-z0-9]{1,20}$/),
    attempts: fc.nat(5),
    latencyMs: fc.double({ min: 0, max: 1e9, noNaN: true }),
    timestamp: fc.double({ min: 0, max: 2e12, noNaN: true }),
    sandbox: fc.boolean(),
  })
}
