import { expect, test } from 'bun:test'
import type { Message } from '../../src/bus/bus.ts'
import { Notifier } from '../../src/dlq/notifier.ts'
import { noMask } from '../../src/lib/secret-mask.ts'
import { deadLetter } from '../../src/protocol/dead-letter.ts'
import { FakeClock } from '../support/fake-clock.ts'

const record = deadLetter({
  id: '01ARZ3NDEKTSV4RRFFQ69G5FAV',
  timestamp: 0,
  reason: 'PARSE_ERROR',
  workerId: 'worker-1',
  subject: 'caf.exec.assign.v1',
  body: new Uint8Array([1]),
  headers: {},
  form: 'bare',
  mask: noMask,
})

function openNotifier(): {
  clock: FakeClock
  sent: Message[]
  suppressed: () => number
  notify: (times: number) => void
} {
  const clock = new FakeClock()
  const sent: Message[] = []
  let suppressed = 0
  const notifier = new Notifier({
    subject: 'caf.deadletter.v1',
    mode: 'auto',
    clock,
    emit: (message) => sent.push(message),
    suppressed: () => {
      suppressed += 1
    },
  })
  return {
    clock,
    sent,
    suppressed: () => suppressed,
    notify: (times) => {
      for (let time = 0; time < times; time++) notifier.notify(record)
    },
  }
}

test('a notification tells of the record without its contents', () => {
  const { sent, notify } = openNotifier()
  notify(1)
  const [message] = sent
  expect(message?.subject).toBe('caf.deadletter.v1')
  const said: unknown = JSON.parse(new TextDecoder().decode(message?.body))
  expect(said).toMatchObject({ id: record.id, reason: 'PARSE_ERROR' })
  expect(said).not.toHaveProperty('raw')
})

test('at most ten leave within any second, the rest are counted', async () => {
  const { clock, sent, suppressed, notify } = openNotifier()
  notify(4)
  await clock.advance(900)
  notify(9)
  expect([sent.length, suppressed()]).toEqual([10, 3])
  await clock.advance(100)
  notify(9)
  expect([sent.length, suppressed()]).toEqual([14, 8])
  await clock.advance(900)
  notify(20)
  expect([sent.length, suppressed()]).toEqual([20, 22])
})
