import { expect, test } from 'bun:test'
import { PublishError } from '../../src/bus/bus.ts'
import { AutoReplay } from '../../src/exchange/auto-replay.ts'
import { Replayer } from '../../src/exchange/replay.ts'
import { openLogger } from '../../src/observe/logger.ts'
import type { DeadLetter } from '../../src/protocol/dead-letter.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { letter } from '../support/letters.ts'
import { MemoryDeadLetters } from '../support/memory-dead-letters.ts'

const startMs = 1_790_000_000_000

const result = { assignment_id: 'job-1', status: 'success' }
const unpublished = (more: Parameters<typeof letter>[0] = {}) => letter({ reason: 'PUBLISH_ERROR', result, ...more })

/** A worker's own replays over these, with a bus that does as it is told. */
async function rig(records: readonly DeadLetter[]) {
  const clock = new FakeClock(startMs)
  const store = new MemoryDeadLetters()
  for (const record of records) await store.write(record)
  const sent: string[] = []
  const bus = {
    connected: true,
    refusal: undefined as PublishError['reason'] | undefined,
    /** Of a text that holds one of these, whatever becomes of the others. */
    refused: [] as readonly string[],
    tries: 0,
    looks: 0,
    flush: () => Promise.resolve(),
    publish({ body }: { readonly body: Uint8Array }) {
      const text = new TextDecoder().decode(body)
      const isRefused = bus.refused.some((each) => text.includes(each))
      if (bus.refusal !== undefined || isRefused) {
        bus.tries += 1
        return Promise.reject(new PublishError(bus.refusal ?? 'refused', 'no'))
      }
      sent.push(text)
      return Promise.resolve()
    },
  }
  const entries = store.entries.bind(store)
  store.entries = (signal) => {
    bus.looks += 1
    return entries(signal)
  }
  const log = openLogger({ level: 'debug', format: 'json', workerId: 'w', component: 'x', to: () => undefined })
  const subjects = { assign: 'assign', result: 'result' }
  const replayer = new Replayer({ store, bus, subjects, envelope: 'auto', clock, log })
  const auto = new AutoReplay({ store, replayer, by: 'auto: w', clock, log })
  return { clock, store, sent, bus, auto }
}

test('at the start every result that is open is published once, and nothing else', async () => {
  const [one, done, begun, job] = [unpublished(), unpublished(), unpublished(), letter()]
  const { auto, clock, sent, store } = await rig([one, done, begun, job, letter({ reason: 'INTERRUPTED' })])
  store.marks.set(done.id, { state: 'done', at: '', by: '', n: 1 })
  store.marks.set(begun.id, { state: 'begun', at: '', by: '', n: 1 })
  auto.start()
  await clock.advance(60_000)
  expect(sent.map((text) => JSON.parse(text))).toEqual([result])
  expect(store.marks.get(one.id)).toMatchObject({ state: 'done', by: 'auto: w' })
  expect(store.marks.get(job.id)).toBeUndefined()
  await auto[Symbol.asyncDispose]()
})

test('an entry that is written later is found, without looking before there is one', async () => {
  const { auto, clock, sent, store, bus } = await rig([])
  auto.start()
  await clock.advance(3_600_000)
  expect(bus.looks).toBe(1)
  const late = unpublished({ timestamp: clock.now() })
  await store.write(late)
  auto.noticed(letter())
  auto.noticed(late)
  await clock.advance(60_000)
  expect({ sent: sent.length, looks: bus.looks }).toEqual({ sent: 1, looks: 2 })
  await auto[Symbol.asyncDispose]()
})

test('as long as nobody takes results it asks ever more seldom, and then catches up', async () => {
  const records = Array.from({ length: 50 }, () => unpublished())
  const { auto, clock, sent, bus, store } = await rig(records)
  bus.refusal = 'no-responders'
  auto.start()
  await clock.advance(3_600_000)
  expect(bus.looks).toBeLessThan(20)
  expect([...store.marks.values()].filter(({ state }) => state !== 'failed')).toEqual([])
  bus.refusal = undefined
  await clock.advance(700_000)
  expect(sent.length).toBe(50)
  await auto[Symbol.asyncDispose]()
})

test('without a connection nothing is read', async () => {
  const { auto, clock, sent, bus } = await rig([unpublished()])
  bus.connected = false
  auto.start()
  await clock.advance(600_000)
  expect(bus.looks).toBe(0)
  bus.connected = true
  await clock.advance(1_100)
  expect(sent.length).toBe(1)
  await auto[Symbol.asyncDispose]()
})

test('what is too large does not keep the others', async () => {
  const { auto, clock, sent, bus } = await rig([unpublished(), unpublished()])
  let first = true
  const { publish } = bus
  bus.publish = (message) => {
    if (!first) return publish(message)
    first = false
    return Promise.reject(new PublishError('too-large', 'no'))
  }
  auto.start()
  await clock.advance(30_000)
  expect(sent.length).toBe(1)
  await auto[Symbol.asyncDispose]()
})

test('what is refused does not keep the others, neither those that are there nor those that come', async () => {
  const large = (n: number) => unpublished({ result: { assignment_id: `large-${n}` } })
  const records = [unpublished(), large(1), unpublished(), large(2), large(3), large(4), large(5)]
  const { auto, clock, sent, store, bus } = await rig(records)
  bus.refused = ['large']
  auto.start()
  await clock.advance(10_000)
  expect({ sent: sent.length, tries: bus.tries }).toEqual({ sent: 2, tries: 5 })
  for (let n = 0; n < 3; n++) {
    const late = unpublished({ timestamp: clock.now() })
    await store.write(late)
    auto.noticed(late)
    await clock.advance(10_000)
  }
  expect({ sent: sent.length, tries: bus.tries }).toEqual({ sent: 5, tries: 5 })
  await auto[Symbol.asyncDispose]()
})

test('what is refused is tried ever more seldom, and sent when it is taken', async () => {
  const { auto, clock, sent, bus } = await rig([unpublished()])
  bus.refused = ['job-1']
  auto.start()
  await clock.advance(86_400_000)
  expect(bus.tries).toBeGreaterThan(20)
  expect(bus.tries).toBeLessThan(35)
  bus.refused = []
  await clock.advance(3_700_000)
  expect(sent.length).toBe(1)
  const { looks } = bus
  await clock.advance(86_400_000)
  expect(bus.looks - looks).toBeLessThanOrEqual(1)
  await auto[Symbol.asyncDispose]()
})

test('a few that nobody takes end a look; one among others that are taken does not', async () => {
  const records = Array.from({ length: 10 }, (_, n) => unpublished({ result: { assignment_id: `job-${n}` } }))
  const { auto, clock, sent, bus, store } = await rig(records)
  const { publish } = bus
  let isAway = true
  bus.publish = (message) => {
    const isFirst = new TextDecoder().decode(message.body).includes('job-9')
    return isAway || isFirst ? Promise.reject(new PublishError('no-responders', 'no')) : publish(message)
  }
  auto.start()
  await clock.advance(1_000)
  expect(store.marks.size).toBe(3)
  isAway = false
  await clock.advance(11_000)
  expect(sent.length).toBe(9)
  bus.publish = publish
  await clock.advance(70_000)
  expect(sent.length).toBe(10)
  await auto[Symbol.asyncDispose]()
})

test('a server that confirms nothing costs no more than a few their chance', async () => {
  const { auto, clock, bus, store } = await rig(Array.from({ length: 50 }, () => unpublished()))
  bus.refusal = 'unconfirmed'
  auto.start()
  await clock.advance(9_000)
  expect(store.marks.size).toBe(3)
  await auto[Symbol.asyncDispose]()
})

test('a thousand take at least ten seconds', async () => {
  const { auto, clock, sent } = await rig(Array.from({ length: 1_000 }, () => unpublished()))
  auto.start()
  await clock.advance(5_000)
  expect(sent.length).toBeLessThanOrEqual(501)
  await clock.advance(6_000)
  expect(sent.length).toBe(1_000)
  await auto[Symbol.asyncDispose]()
})

test('ends at once while it waits, and before it was started', async () => {
  const { auto, clock } = await rig([])
  await auto[Symbol.asyncDispose]()
  const other = await rig([])
  other.auto.start()
  await other.clock.advance(10_000)
  await other.auto[Symbol.asyncDispose]()
  expect([clock.pending, other.clock.pending]).toEqual([0, 0])
})
