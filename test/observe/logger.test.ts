import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { JobError } from '../../src/errors.ts'
import { type Logger, type LogLevel, openLogger } from '../../src/observe/logger.ts'
import { characters } from '../support/arbitraries.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { maskOf } from '../support/mask-of.ts'

interface Recorded {
  readonly log: Logger
  readonly lines: readonly string[]
}

function record(level: LogLevel = 'info', format: 'json' | 'pretty' = 'json'): Recorded {
  const lines: string[] = []
  const clock = new FakeClock(Date.UTC(2026, 0, 2, 3, 4, 5, 678))
  const log = openLogger({
    level,
    format,
    workerId: 'worker-1',
    component: 'worker',
    to: (line) => lines.push(line),
    clock,
  })
  return { log, lines }
}

describe('JSON lines', () => {
  test('have the documented keys in the documented order', () => {
    const { log, lines } = record()
    log.info('Job ended', {
      error_code: 'TIMEOUT',
      duration_ms: 1.23456,
      status: 'timeout',
      job_type: 'echo',
      trace_id: 't',
      tenant_id: 'acme',
      request_id: 'r',
      assignment_id: 'a',
      context: { attempts: 2 },
    })
    expect(lines).toEqual([
      '{"timestamp":"2026-01-02T03:04:05.678000Z","level":"INFO","component":"worker","worker_id":"worker-1",' +
        '"message":"Job ended","job_id":"a","assignment_id":"a","request_id":"r","tenant_id":"acme","trace_id":"t",' +
        '"job_type":"echo","status":"timeout","duration_ms":1.235,"error_code":"TIMEOUT","context":{"attempts":2}}',
    ])
  })

  test('leave out what is not known, but for the context', () => {
    const { log, lines } = record()
    log.warn('Plain', { tenant_id: undefined })
    expect(lines[0]).toEndWith('"message":"Plain","context":{}}')
  })

  test('are one line each and valid JSON, whatever they are given', () => {
    const { log, lines } = record('debug')
    const text = characters(20)
    fc.assert(
      fc.property(text, text, fc.anything(), fc.double(), (message, id, value, ms) => {
        log.error(message, { assignment_id: id, duration_ms: ms, context: { value }, error: value })
        const line = lines.at(-1) ?? ''
        expect(line).not.toMatch(/[\n\r]/)
        expect(JSON.parse(line)).toMatchObject({ level: 'ERROR', worker_id: 'worker-1' })
      }),
    )
  })

  test('show nothing that is secret, wherever it stands', () => {
    const { log, lines } = record('debug')
    log.child({ context: { token: 'hunter2' } }).error('cannot reach nats://u:hunter2@h', {
      tenant_id: 'bob@example.com',
      context: { headers: { Cookie: 'hunter2' }, url: 'https://u:hunter2@h' },
      error: new Error('postgres://u:hunter2@h', { cause: new Error('password=hunter2') }),
    })
    expect(lines[0]).not.toContain('hunter2')
    expect(lines[0]).not.toContain('bob')
  })
})

describe('errors', () => {
  test('appear in the context: name, message, code, cause; their stack at level debug only', () => {
    const error = new JobError('HTTP_ERROR', 'The server said no', { details: { url: 'x' }, cause: new Error('inner') })
    const [plain, debugging] = [record('info'), record('debug')]
    for (const { log } of [plain, debugging]) log.error('Failed', { error })
    const shown = {
      name: 'JobError',
      message: 'The server said no',
      code: 'HTTP_ERROR',
      cause: { name: 'Error', message: 'inner' },
    }
    expect(JSON.parse(plain.lines[0] ?? '').context).toEqual({ error: shown })
    expect(JSON.parse(debugging.lines[0] ?? '').context.error).toEqual({
      ...shown,
      stack: expect.stringContaining('logger.test.ts'),
    })
  })

  test('anything can be thrown', () => {
    const { log, lines } = record()
    for (const error of ['text', 7, null, { a: 1 }]) log.warn('Failed', { error })
    expect(lines.map((line) => JSON.parse(line).context)).toEqual([
      { error: 'text' },
      { error: 7 },
      { error: null },
      { error: { a: 1 } },
    ])
  })
})

describe('levels and children', () => {
  test.each([
    ['debug', ['DEBUG', 'INFO', 'WARN', 'ERROR']],
    ['info', ['INFO', 'WARN', 'ERROR']],
    ['warn', ['WARN', 'ERROR']],
    ['error', ['ERROR']],
  ] as const)('%s writes %p', (level, written) => {
    const { log, lines } = record(level)
    log.debug('m')
    log.info('m')
    log.warn('m')
    log.error('m')
    expect(lines.map((line) => JSON.parse(line).level)).toEqual([...written])
    expect(log.debugging).toBe(level === 'debug')
  })

  test('a child repeats its fields and puts contexts together; a call may override', () => {
    const { log, lines } = record()
    const child = log.child({ component: 'nats', assignment_id: 'a', context: { x: 1 } }).child({ tenant_id: 't' })
    child.info('One', { context: { y: 2 } })
    child.info('Two', { assignment_id: 'b', tenant_id: undefined })
    log.info('Three')
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { component: 'nats', job_id: 'a', assignment_id: 'a', tenant_id: 't', context: { x: 1, y: 2 } },
      { component: 'nats', job_id: 'b', tenant_id: 't', context: { x: 1 } },
      { component: 'worker', context: {} },
    ])
    expect(lines[2]).not.toContain('assignment_id')
  })
})

describe('text for people', () => {
  test('is one readable line', () => {
    const { log, lines } = record('info', 'pretty')
    log.warn('Job ended', { assignment_id: 'a', status: 'error', duration_ms: 2, context: { attempts: 1 } })
    expect(lines).toEqual([
      '03:04:05.678 WARN  worker: Job ended assignment_id=a status=error duration_ms=2 {"attempts":1}',
    ])
  })

  test('cannot be broken up by what it shows', () => {
    const { log, lines } = record('info', 'pretty')
    log.info('one\ntwo', { tenant_id: '\u001b[31mred\u2028' })
    expect(lines[0]).toEndWith('worker: one\\ntwo tenant_id=\\u001b[31mred\\u2028')
  })
})

test.each(['json', 'pretty'] as const)('a secret stands nowhere on a line (%s)', (format) => {
  const lines: string[] = []
  const value = 'hunter2"hunter2'
  const mask = maskOf(value, 'tenant_id', 'context', '1234')
  const log = openLogger({
    level: 'debug',
    format,
    workerId: 'w',
    component: 'c',
    to: (line) => lines.push(line),
    mask,
  })
  const context = { list: [value], n: 12345, url: `https://a/?k=${encodeURIComponent(value)}` }
  log.child({ tenant_id: value }).info(`Said ${value}`, { context, error: new Error(value, { cause: value }) })
  expect(lines.join('\n')).toContain('Said ***')
  expect(lines.join('\n')).not.toContain('hunter2')
  if (format === 'json')
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ tenant_id: '***', context: { list: ['***'], n: 12345 } })
})
