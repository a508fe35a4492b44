import { expect, test } from 'bun:test'
import { Prohibitions } from '../../src/nats/prohibitions.ts'
import { FakeClock } from '../support/fake-clock.ts'

test('a refusal is told of until a message arrives there, or for a minute', async () => {
  const clock = new FakeClock()
  const prohibitions = new Prohibitions(['result', 'ack'], clock)
  expect(prohibitions.subject).toBeUndefined()
  prohibitions.refused({ operation: 'publish', subject: 'result' })
  prohibitions.refused({ operation: 'publish', subject: 'ack' })
  expect(prohibitions.subject).toBe('result')
  prohibitions.arrived('result')
  expect(prohibitions.subject).toBe('ack')
  await clock.advance(59_000)
  prohibitions.refused({ operation: 'publish', subject: 'ack' })
  await clock.advance(59_000)
  expect(prohibitions.subject).toBe('ack')
  await clock.advance(1_000)
  expect(prohibitions.subject).toBeUndefined()
})

test('acks to a stream are one subject; what callers choose and what is heard do not count', () => {
  const prohibitions = new Prohibitions(['result'], new FakeClock())
  prohibitions.refused({ operation: 'publish', subject: 'where.a.caller.wants.its.answer' })
  prohibitions.refused({ operation: 'subscription', subject: 'result' })
  expect(prohibitions.subject).toBeUndefined()
  prohibitions.refused({ operation: 'publish', subject: '$JS.ACK.CAF_EXEC.caf-workers.1.2.3.4.5' })
  expect(prohibitions.subject).toBe('$JS.ACK.>')
})
