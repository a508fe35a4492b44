import { expect, test } from 'bun:test'
import { natsFindings } from '../../src/cli/nats-findings.ts'
import { loadConfig } from '../../src/config/load.ts'
import type { Inspection } from '../../src/nats/inspection.ts'
import type { AssignmentStream, Stored } from '../../src/nats/stored.ts'

const contact = { kind: 'connected', server: 'queue:4222', version: '2.15.2' } as const
const stream: AssignmentStream = {
  name: 'CAF_EXEC',
  retention: 'workqueue',
  alsoCaptures: [],
  created: '2026-01-02T03:04:05Z',
  consumer: { problem: undefined, deliveryLimit: undefined },
}
const there = {
  kind: 'there',
  assignments: stream,
  results: 'CAF_RESULTS',
  records: true,
} as const satisfies Stored

function say(inspection: Inspection, jetstream = 'auto'): readonly string[] {
  const findings = natsFindings(loadConfig({ JETSTREAM: jetstream }), inspection)
  return findings.map(({ status, name }) => `${status} ${name}`)
}

test('all is well', () => {
  expect(say({ contact, stored: there, forbidden: [] })).toEqual([
    'ok nats',
    'ok jetstream',
    'ok stream',
    'ok consumer',
    'ok results',
    'ok publish',
    'ok subscribe',
  ])
})

test.each(['refused', 'unsafe', 'unreachable'] as const)('%s: nothing else can be said', (kind) => {
  expect(say({ contact: { kind, reason: 'because' } })).toEqual(['fail nats'])
})

test.each<[string, Stored, readonly string[]]>([
  ['auto', { kind: 'none' }, ['warn jetstream']],
  ['require', { kind: 'none' }, ['fail jetstream']],
  ['off', { kind: 'off' }, ['ok jetstream']],
  ['auto', { kind: 'unknown', reason: 'silence' }, ['fail jetstream']],
  [
    'auto',
    { kind: 'there', assignments: undefined, results: undefined, records: false },
    ['ok jetstream', 'warn stream', 'warn results'],
  ],
  [
    'require',
    { kind: 'there', assignments: undefined, results: undefined, records: false },
    ['ok jetstream', 'ok stream', 'ok results'],
  ],
])('JETSTREAM=%s with %j', (mode, stored, expected) => {
  expect(say({ contact, stored, forbidden: [] }, mode).slice(1, -2)).toEqual([...expected])
})

test.each<[string, Partial<AssignmentStream>, string]>([
  ['another retention', { retention: 'limits' }, 'warn stream'],
  ['other subjects of ours', { alsoCaptures: ['ack', 'result'] }, 'fail stream'],
  ['no consumer yet', { consumer: undefined }, 'ok consumer'],
  ['a consumer that cannot be used', { consumer: { problem: 'it pushes', deliveryLimit: undefined } }, 'fail consumer'],
  ['a consumer that gives up', { consumer: { problem: undefined, deliveryLimit: 3 } }, 'fail consumer'],
])('a stream with %s', (_, change, expected) => {
  const stored: Stored = { ...there, assignments: { ...stream, ...change } }
  expect(say({ contact, stored, forbidden: [] })).toContain(expected)
})

test('what is forbidden is named with its setting', () => {
  const forbidden = [
    { operation: 'publish', subject: 'caf.exec.result.v1' },
    { operation: 'publish', subject: 'caf.exec.assign.v1' },
    { operation: 'subscription', subject: 'caf.exec.cancel.v1' },
  ] as const
  const findings = natsFindings(loadConfig({}), { contact, stored: there, forbidden }).slice(-3)
  expect(findings.map(({ status, name }) => `${status} ${name}`)).toEqual([
    'fail publish',
    'warn publish',
    'fail subscribe',
  ])
  expect(findings[0]?.explanation).toContain('caf.exec.result.v1 (CAF_RESULT_SUBJECT)')
  expect(say({ contact, stored: there, forbidden: undefined })).toContain('warn permissions')
})
