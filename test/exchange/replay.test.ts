import { describe, expect, test } from 'bun:test'
import { type Message, PublishError } from '../../src/bus/bus.ts'
import { MemoryHub } from '../../src/bus/memory-bus.ts'
import { Replayer } from '../../src/exchange/replay.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { openLogger } from '../../src/observe/logger.ts'
import type { DeadLetter } from '../../src/protocol/dead-letter.ts'
import { letter } from '../support/letters.ts'
import { MemoryDeadLetters } from '../support/memory-dead-letters.ts'

const { signal } = new AbortController()
const order = { by: 'command: tester', force: false }

/** A replayer over one dead letter, and what it published and logged. */
async function rig(record: DeadLetter, publish: (message: Message, signal?: AbortSignal) => Promise<void>) {
  const store = new MemoryDeadLetters()
  await store.write(record)
  const sent: Message[] = []
  const lines: string[] = []
  const bus = {
    connected: true,
    flush: () => Promise.resolve(),
    async publish(message: Message, limit?: AbortSignal) {
      await publish(message, limit)
      sent.push(message)
    },
  }
  const log = openLogger({
    ...{ level: 'debug', format: 'json', workerId: 'w', component: 'x' },
    to: (line) => lines.push(line),
  })
  const subjects = { assign: 'assign', result: 'result' }
  const replayer = new Replayer({ store, bus, subjects, envelope: 'auto', clock: systemClock, log })
  const send = (more: Partial<typeof order> = {}) =>
    replayer.send({ id: record.id, kept: undefined, covers: [], n: 1 }, { ...order, ...more }, signal)
  return { store, bus, sent, lines, send, replayer }
}

const arrives = () => Promise.resolve()
const fails = (reason: PublishError['reason']) => () => Promise.reject(new PublishError(reason, `it is ${reason}`))

describe('a replay', () => {
  test('is marked before and after, and a second one is none', async () => {
    const record = letter()
    const { store, sent, send } = await rig(record, () => {
      expect(store.marks.get(record.id)).toMatchObject({ state: 'begun', by: 'command: tester' })
      return Promise.resolve()
    })
    expect(await send()).toEqual({ kind: 'sent', what: 'job', assignmentId: 'job-1.r1' })
    expect(store.marks.get(record.id)?.state).toBe('done')
    expect(await send()).toMatchObject({ kind: 'taken', mark: { state: 'done', n: 1 } })
    expect(sent.length).toBe(1)
    expect(await send({ force: true })).toMatchObject({ kind: 'sent', assignmentId: 'job-1.r2' })
  })

  test('by two at once is one', async () => {
    const { send, sent } = await rig(letter(), arrives)
    const kinds = (await Promise.all([send(), send(), send()])).map(({ kind }) => kind)
    expect(kinds.toSorted()).toEqual(['sent', 'taken', 'taken'])
    expect(sent.length).toBe(1)
  })

  test.each(['no-responders', 'refused', 'too-large'] as const)('that is %s can be repeated', async (reason) => {
    const { send, store } = await rig(letter(), fails(reason))
    expect(await send()).toEqual({ kind: 'failed', cause: reason, why: `it is ${reason}` })
    expect([...store.marks.values()].map(({ state }) => state)).toEqual(['failed'])
    expect(await send()).toMatchObject({ kind: 'failed' })
  })

  test.each(['unconfirmed', 'closed'] as const)('that is %s may have been sent, and stays begun', async (reason) => {
    const { send, store } = await rig(letter(), fails(reason))
    expect(await send()).toMatchObject({ kind: 'unsure' })
    expect([...store.marks.values()].map(({ state }) => state)).toEqual(['begun'])
    expect(await send()).toMatchObject({ kind: 'taken', mark: { state: 'begun' } })
  })

  test('without a connection marks nothing', async () => {
    const { send, store, bus } = await rig(letter(), arrives)
    bus.connected = false
    expect(await send()).toMatchObject({ kind: 'failed', cause: 'offline' })
    expect(store.marks.size).toBe(0)
  })

  test('that cannot be marked is not sent', async () => {
    const { send, store, sent } = await rig(letter(), arrives)
    store.claim = () => Promise.reject(new Error('the disk is full'))
    expect(await send()).toMatchObject({
      kind: 'failed',
      cause: 'unmarked',
      why: expect.stringContaining('disk is full'),
    })
    expect(sent).toEqual([])
  })

  test('whose end cannot be written down was sent all the same, and the log says so', async () => {
    const { send, store, lines } = await rig(letter(), arrives)
    store.settle = () => Promise.reject(new Error('the disk is full'))
    expect((await send()).kind).toBe('sent')
    expect(lines.join('\n')).toContain('stays marked as begun')
  })

  test('of what was removed meanwhile is none', async () => {
    const { send, store } = await rig(letter(), arrives)
    await store.purge(() => true)
    expect(await send()).toEqual({ kind: 'missing' })
  })

  test('that was planned as a later one than the marks tell of is that one', async () => {
    const record = letter()
    const { store, replayer } = await rig(record, arrives)
    // Of this one the mark is gone, and a worker still answers its id from memory.
    await store.write({ ...letter({ assignmentId: 'job-1.r1' }), replay_of: record.id })
    const request = { ids: new Set([record.id]), matches: () => true, rejected: true, force: false, limit: 1 }
    const { replays } = await replayer.plan(request, () => undefined, signal)
    const sent = await Promise.all(replays.map((planned) => replayer.send(planned, order, signal)))
    expect(sent).toEqual([{ kind: 'sent', what: 'job', assignmentId: 'job-1.r2' }])
  })

  test('marks what it stands for', async () => {
    const [older, record] = [letter(), letter()]
    const { store, replayer } = await rig(record, arrives)
    const planned = { id: record.id, kept: undefined, covers: [older.id], n: 1 }
    await replayer.send(planned, order, signal)
    expect(store.marks.get(older.id)).toMatchObject({ state: 'done', through: record.id })
  })
})

test('each replay leaves a line that says who and what, and never shows a payload', async () => {
  const record = letter({ assignment: { job: { type: 'echo', payload: 'of great weight' } } })
  const { send, lines } = await rig(record, arrives)
  await send()
  await send({ force: true, by: 'api: worker-7' })
  const audit = lines.map((line) => JSON.parse(line) as Record<string, unknown>)
  expect(audit).toMatchObject([
    {
      ...{ level: 'INFO', component: 'dlq', message: 'A dead letter was replayed', assignment_id: 'job-1' },
      context: { entry: record.id, as: 'job-1.r1', sends: 'job', by: 'command: tester', forced: false },
    },
    { context: { entry: record.id, as: 'job-1.r2', by: 'api: worker-7', forced: true } },
  ])
  expect(lines.join('\n')).not.toContain('of great weight')
})

test('a job that is replayed on a bus arrives there', async () => {
  const hub = new MemoryHub({ assignSubject: 'assign' })
  const bus = hub.open()
  const arrived = Promise.withResolvers<string>()
  hub.open().take(({ body }) => arrived.resolve(new TextDecoder().decode(body)))
  const { send } = await rig(letter(), (message) => bus.publish(message))
  await send()
  expect(JSON.parse(await arrived.promise)).toMatchObject({ assignment_id: 'job-1.r1' })
})
