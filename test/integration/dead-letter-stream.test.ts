/** What only dead letters in a stream can meet: servers that go, streams that vanish or are somebody else's. */
import { describe, expect, test } from 'bun:test'
import { RetentionPolicy, StorageType } from '@nats-io/jetstream'
import { openDeadLetterStores } from '../../src/dlq/dead-letter-stores.ts'
import { systemClock } from '../../src/lib/clock.ts'
import type { Claim } from '../../src/store/dead-letter-store.ts'
import { rejection } from '../contract/bus-world.ts'
import { fileWorld, settingsFor } from '../dlq/file-world.ts'
import { observe } from '../nats/observer.ts'
import { openDeadLetterStream, ownDeadLetters } from '../nats/open-dead-letters.ts'
import { openProxy } from '../nats/proxy.ts'
import { eventually } from '../support/eventually.ts'
import { allOf, letter } from '../support/letters.ts'
import { hasNats, startNats } from '../support/nats-server.ts'
import { saidLog } from '../support/said-log.ts'

const { signal } = new AbortController()
const versions = (['newest', 'old'] as const).filter(hasNats)
const unreachable = expect.objectContaining({ name: 'StoreError', reason: 'unreachable' })

function claimOf(id: string, more: Partial<Claim> = {}): Claim {
  return { ...{ job: 'acme\njob-1', ids: [id], atLeast: 1, force: false, by: 'command: tester' }, ...more }
}

/** A store whose streams are there. */
async function openReady(
  url: string,
  env: ReturnType<typeof ownDeadLetters> & Readonly<Record<string, string>> = ownDeadLetters(),
) {
  const opened = await openDeadLetterStream(url, env)
  await eventually(() => opened.store.size() !== undefined)
  return { ...opened, env, [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose]() }
}

describe.each(versions)('on the %s server', (version) => {
  test('both streams are made with their limits, and what is there is used as it is', async () => {
    await using server = await startNats({ version })
    const env = { ...ownDeadLetters(), DLQ_TOTAL_MAX_BYTES: '500MB', DLQ_MAX_AGE_DAYS: '3' }
    await using opened = await openReady(server.url, env)
    await using observer = await observe(server.url)
    const name = env.DLQ_STREAM
    const { config } = await observer.manager.streams.info(name)
    const subject = env.CAF_DLQ_SUBJECT
    expect(config).toMatchObject({
      ...{
        subjects: [`${subject}.entry.*`, `${subject}.mark.*`],
        retention: 'limits',
        storage: 'file',
        discard: 'old',
      },
      ...{ max_bytes: 500_000_000, max_age: 3 * 86_400_000_000_000, num_replicas: 1, max_msgs_per_subject: 1 },
    })
    const rejected = await observer.manager.streams.info(`${name}_REJECTED`)
    expect(rejected.config).toMatchObject({ subjects: [`${subject}.rejected.*`], max_bytes: 50_000_000 })
    expect(opened.bus.complaints).toEqual([])
    await observer.manager.streams.update(name, { max_bytes: 100_000_000 })
    await using other = await openReady(server.url, env)
    await other.store.write(letter())
    expect((await observer.manager.streams.info(name)).config.max_bytes).toBe(100_000_000)
  }, 60_000)

  test('the oldest entries go when the limit is reached', async () => {
    await using server = await startNats({ version })
    const opened = await openReady(server.url, {
      ...ownDeadLetters(),
      DLQ_MAX_BYTES: '1MB',
      DLQ_TOTAL_MAX_BYTES: '2MB',
    })
    await using _ = opened
    const records = Array.from({ length: 60 }, () => letter({ assignment: { text: 'x'.repeat(100_000) } }))
    for (const record of records) await opened.store.write(record)
    const kept = (await allOf(opened.store)).map(({ record }) => record.id)
    expect(kept.length).toBeGreaterThan(10)
    expect(kept.length).toBeLessThan(21)
    expect(kept).toEqual(
      records
        .slice(-kept.length)
        .map(({ id }) => id)
        .toReversed(),
    )
  }, 60_000)

  test('entries outlive a restart; without the server writes fail at once', async () => {
    await using server = await startNats({ version })
    await using opened = await openReady(server.url)
    const { store, bus } = opened
    const before = letter()
    await store.write(before)
    expect(await store.claim(claimOf(before.id), signal)).toEqual({ kind: 'granted', n: 1 })
    await server.kill()
    await eventually(() => !bus.connected)
    expect(await rejection(store.write(letter()))).toEqual(unreachable)
    expect(await rejection(allOf(store))).toEqual(unreachable)
    expect(await rejection(store.claim(claimOf(before.id), signal))).toEqual(unreachable)
    await server.restart()
    await eventually(() => bus.connected)
    const after = letter()
    await store.write(after)
    const kept = await allOf(store)
    expect(kept.map(({ record, mark }) => [record.id, mark?.state])).toEqual([
      [after.id, undefined],
      [before.id, 'begun'],
    ])
  }, 30_000)

  test('streams that are deleted are made again', async () => {
    await using server = await startNats({ version })
    await using opened = await openReady(server.url)
    await using observer = await observe(server.url)
    const { store, env } = opened
    const lost = letter()
    await store.write(lost)
    await store.claim(claimOf(lost.id), signal)
    expect((await allOf(store))[0]?.mark?.n).toBe(1)
    await observer.manager.streams.delete(env.DLQ_STREAM)
    await observer.manager.streams.delete(`${env.DLQ_STREAM}_REJECTED`)
    await store.write(lost)
    await store.write(letter({ reason: 'REJECTED' }))
    expect((await allOf(store)).map(({ mark }) => mark)).toEqual([undefined, undefined])
    expect(await store.claim(claimOf(lost.id), signal)).toEqual({ kind: 'granted', n: 1 })
  }, 60_000)

  test('a stream that captures everything serves alone', async () => {
    await using server = await startNats({ version })
    await using observer = await observe(server.url)
    const env = ownDeadLetters()
    const subjects = [`${env.CAF_DLQ_SUBJECT}.>`]
    await observer.manager.streams.add({ name: env.DLQ_STREAM, subjects, storage: StorageType.File })
    await using opened = await openReady(server.url, env)
    const records = [letter(), letter({ reason: 'REJECTED' }), letter()]
    for (const record of records) await opened.store.write(record)
    await opened.store.claim(claimOf(records[0]?.id ?? ''), signal)
    const kept = await allOf(opened.store)
    expect(kept.map(({ record, rejected }) => [record.id, rejected])).toEqual(
      records.toReversed().map(({ id, reason }) => [id, reason === 'REJECTED']),
    )
    expect(await opened.store.purge(({ rejected }) => rejected, signal)).toBe(1)
    expect(await allOf(opened.store)).toHaveLength(2)
    expect(await rejection(observer.manager.streams.info(`${env.DLQ_STREAM}_REJECTED`))).toMatchObject({ code: 10059 })
  }, 60_000)

  test.each([
    ['does not capture the subjects', { subjects: ['else.>'] }, 'it does not capture'],
    ['keeps only what is waited for', { retention: RetentionPolicy.Interest }, 'its retention is interest'],
    ['confirms nothing', { no_ack: true }, 'no_ack'],
  ])(
    'a stream that %s is not used, and not changed',
    async (_, change, reason) => {
      await using server = await startNats({ version })
      await using observer = await observe(server.url)
      const env = ownDeadLetters()
      const wanted = {
        name: env.DLQ_STREAM,
        subjects: [`${env.CAF_DLQ_SUBJECT}.>`],
        storage: StorageType.File,
        ...change,
      }
      await observer.manager.streams.add(wanted)
      await using opened = await openDeadLetterStream(server.url, env)
      await eventually(() => opened.bus.complaints.length > 0)
      const error = await rejection(opened.store.write(letter()))
      expect(error).toEqual(unreachable)
      expect(error).toMatchObject({ message: expect.stringContaining(reason) })
      expect((await observer.manager.streams.info(env.DLQ_STREAM)).config.subjects).toEqual(wanted.subjects)
    },
    60_000,
  )

  test('what is too large is refused as such, with the limit of the server and that of the stream', async () => {
    await using server = await startNats({ version })
    await using opened = await openReady(server.url)
    await using observer = await observe(server.url)
    const tooLarge = expect.objectContaining({ name: 'StoreError', reason: 'too-large' })
    const fits = letter({ assignment: { text: 'x'.repeat(1_000_000) } })
    await opened.store.write(fits)
    expect(await rejection(opened.store.write(letter({ assignment: { text: 'x'.repeat(1_048_576) } })))).toEqual(
      tooLarge,
    )
    await observer.manager.streams.update(opened.env.DLQ_STREAM, { max_msg_size: 10_000 })
    expect(await rejection(opened.store.write(letter({ assignment: { text: 'x'.repeat(20_000) } })))).toEqual(tooLarge)
    expect((await allOf(opened.store)).map(({ record }) => record.id)).toEqual([fits.id])
  }, 60_000)

  test('what others put on the subjects is left out, and large entries are read in parts', async () => {
    await using server = await startNats({ version })
    await using opened = await openReady(server.url)
    await using observer = await observe(server.url)
    const { store, env } = opened
    const records = Array.from({ length: 300 }, (_, n) =>
      letter({ assignment: { text: 'x'.repeat(n % 7 === 0 ? 200_000 : 10) } }),
    )
    for (const [n, record] of records.entries()) {
      await store.write(record)
      if (n % 3 > 0) continue
      observer.nats.publish(`${env.CAF_DLQ_SUBJECT}.entry.garbage${n}`, 'no record')
      observer.nats.publish(`${env.CAF_DLQ_SUBJECT}.mark.garbage${n}`, '{"n":"1"}')
      observer.nats.publish(`${env.CAF_DLQ_SUBJECT}.entry.${letter().id}`, JSON.stringify(record))
    }
    await observer.nats.flush()
    const expected = records.map(({ id }) => id).toReversed()
    expect((await allOf(store)).map(({ record }) => record.id)).toEqual(expected)
    // Gaps, long ones too.
    const third = new Set(records.filter((_, n) => n < 200 && n % 3 !== 0).map(({ id }) => id))
    expect(await store.purge(({ record }) => third.has(record.id), signal)).toBe(third.size)
    expect((await allOf(store)).map(({ record }) => record.id)).toEqual(expected.filter((id) => !third.has(id)))
    const old = new Set(records.slice(0, 250).map(({ id }) => id))
    expect(await store.purge(({ record }) => old.has(record.id), signal)).toBe(250 - third.size)
    expect((await allOf(store)).map(({ record }) => record.id)).toEqual(expected.slice(0, 50))
  }, 30_000)
})

test('a write that is not confirmed in time goes to the file, and the entry is one all the same', async () => {
  await using server = await startNats()
  await using proxy = await openProxy(server.port)
  await using world = await fileWorld()
  const env = ownDeadLetters()
  await using opened = await openReady(proxy.url, env)
  const config = { deadLetters: { ...settingsFor(world.path), stream: env.DLQ_STREAM } }
  const bus = { deadLetters: { open: () => opened.store } }
  await using both = await openDeadLetterStores({ config, bus, clock: systemClock, log: saidLog().log })
  await using files = await world.open()
  const unheard = letter()
  proxy.hold()
  const begun = performance.now()
  await both.write(unheard)
  expect(performance.now() - begun).toBeLessThan(3_500)
  expect(await allOf(files)).toHaveLength(1)
  proxy.mend()
  await eventually(
    async () => {
      await both.write(letter())
      return (await allOf(opened.store)).length > 1
    },
    { timeoutMs: 10_000 },
  )
  const later = letter()
  await both.write(later)
  const kept = (await allOf(both)).map(({ record }) => record.id)
  expect(kept.filter((id) => id === unheard.id)).toHaveLength(1)
  expect(kept[0]).toBe(later.id)
  expect(await opened.store.find(unheard.id, signal)).toBeDefined()
}, 30_000)

test('without JetStream, or without permission, the reason is told and nothing is kept', async () => {
  const config = `authorization { users = [ { user: w, password: p, permissions: { publish: { deny: "$JS.API.STREAM.CREATE.>" } } } ] }`
  await using without = await startNats({ jetstream: false })
  await using forbidding = await startNats({ config })
  for (const [url, reason] of [
    [without.url, 'no JetStream for this account'],
    [forbidding.url.replace('//', '//w:p@'), 'is missing and cannot be made'],
  ] as const) {
    await using opened = await openDeadLetterStream(url, ownDeadLetters())
    await eventually(() => opened.bus.connected)
    const told = () => JSON.stringify(opened.bus.complaints)
    await eventually(() => told().includes('stream of dead letters'), { timeoutMs: 15_000 })
    expect(told()).toContain(reason)
    expect(await rejection(opened.store.write(letter()))).toEqual(unreachable)
  }
}, 30_000)
