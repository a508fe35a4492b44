import { expect, test } from 'bun:test'
import { deadLetterStreamFindings } from '../../src/cli/dead-letter-findings.ts'
import type { DeadLetterPlace } from '../../src/nats/dead-letter-look.ts'
import { deadLetterNames } from '../../src/nats/dead-letter-names.ts'

const there = {
  kind: 'there',
  names: deadLetterNames('DLQ', 'caf.deadletter.v1'),
  ...{ missing: [], found: ['DLQ', 'DLQ_REJECTED'], problem: undefined, fault: undefined },
} as const satisfies DeadLetterPlace

function say(place: DeadLetterPlace): string {
  const findings = deadLetterStreamFindings({ deadLetters: place })
  return findings.map(({ status, name, explanation }) => `${status} ${name}: ${explanation}`).join('\n')
}

test('nothing is said where no stream is asked for, or NATS does not answer', () => {
  expect(deadLetterStreamFindings({})).toEqual([])
})

test.each<[DeadLetterPlace, string]>([
  [there, 'ok dlq_stream: dead letters are kept in DLQ, shared by the fleet'],
  [{ ...there, missing: ['DLQ'] }, 'ok dlq_stream: dead letters are kept in DLQ; DLQ is made at start'],
  [
    { ...there, missing: ['DLQ', 'DLQ_REJECTED'] },
    'ok dlq_stream: dead letters are kept in DLQ; DLQ and DLQ_REJECTED are made at start',
  ],
  [
    { ...there, fault: 'it is kept in memory' },
    'warn dlq_stream: dead letters are kept in DLQ, but it is kept in memory',
  ],
  [{ ...there, problem: 'DLQ: it is sealed' }, 'fail dlq_stream: DLQ: it is sealed; correct it'],
  [{ kind: 'no-jetstream' }, 'fail dlq_stream: DLQ_STREAM needs JetStream'],
  [{ kind: 'unknown', reason: 'silence' }, 'fail dlq_stream: cannot be asked for (silence)'],
])('%j', (place, expected) => {
  expect(say(place)).toStartWith(expected)
})
