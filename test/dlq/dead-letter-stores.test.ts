/** The stream and the files as one place. Two sets of files stand for them; what only a stream does is tried on a server. */
import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { openDeadLetterStores } from '../../src/dlq/dead-letter-stores.ts'
import type { Claim, DeadLetterStore } from '../../src/store/dead-letter-store.ts'
import { StoreError } from '../../src/store/state-store.ts'
import { rejection } from '../contract/bus-world.ts'
import { deadLetterContract } from '../contract/dead-letter-store.contract.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { allOf, letter } from '../support/letters.ts'
import { type Said, saidLog } from '../support/said-log.ts'
import { type FileWorld, fileWorld, settingsFor } from './file-world.ts'

const { signal } = new AbortController()

/** Both places, and what stands before the stream: it fails with what is put there. */
interface Places extends AsyncDisposable {
  readonly stream: DeadLetterStore
  readonly files: DeadLetterStore
  readonly both: DeadLetterStore
  readonly clock: FakeClock
  readonly said: readonly Said[]
  /** How often the stream was asked to write. */
  readonly attempts: () => number
  fail(error: Error | undefined): void
}

async function open(): Promise<Places> {
  const [shared, own] = [await fileWorld(), await fileWorld()]
  const clock = new FakeClock()
  const { log, said } = saidLog()
  let failure: Error | undefined
  let attempts = 0
  const inner = await shared.open()
  const stream = new Proxy(inner, {
    get(target, name) {
      // The methods of a store, by their names.
      const member = Reflect.get(target, name) as unknown
      if (typeof member !== 'function') return member
      return (...args: readonly unknown[]): unknown => {
        if (name === 'write') attempts += 1
        if (failure !== undefined && name !== 'size' && typeof name === 'string') throw failure
        return member.apply(target, args)
      }
    },
  })
  const both = await openDeadLetterStores({
    config: { deadLetters: { ...settingsFor(own.path), stream: 'DLQ' } },
    bus: { deadLetters: { open: () => stream } },
    clock,
    log,
  })
  const files = await own.open()
  return {
    ...{ stream: inner, files, both, clock, said },
    attempts: () => attempts,
    fail: (error) => {
      failure = error
    },
    async [Symbol.asyncDispose]() {
      await both[Symbol.asyncDispose]()
      await own[Symbol.asyncDispose]()
      await shared[Symbol.asyncDispose]()
    },
  }
}

const away = new StoreError('unreachable', 'no answer in time')
const claimOf = (ids: Claim['ids'], more: Partial<Claim> = {}): Claim => ({
  ...{ job: 'acme\njob-1', ids, atLeast: 1, force: false, by: 'command: tester' },
  ...more,
})
const idsOf = async (store: DeadLetterStore) => (await allOf(store)).map(({ record }) => record.id)

let places: Places
beforeEach(async () => {
  places = await open()
})
afterEach(() => places[Symbol.asyncDispose]())

describe('writing', () => {
  test('goes to the stream, and not to the file', async () => {
    const record = letter()
    await places.both.write(record)
    expect([await idsOf(places.stream), await idsOf(places.files)]).toEqual([[record.id], []])
    expect(places.said).toEqual([])
  })

  test('goes to the file when the stream fails, which is said once, as is that it is back', async () => {
    const { both, clock, said } = places
    const records = Array.from({ length: 6 }, () => letter())
    const write = async (n: number): Promise<void> => both.write(records[n] ?? letter())
    await write(0)
    places.fail(away)
    await write(1)
    await write(2)
    expect(places.attempts()).toBe(2)
    await clock.advance(2_000)
    await write(3)
    expect(places.attempts()).toBe(3)
    places.fail(undefined)
    await write(4)
    await clock.advance(2_000)
    await write(5)
    expect(await idsOf(places.stream)).toEqual([records[5]?.id ?? '', records[0]?.id ?? ''])
    expect(await idsOf(places.files)).toEqual([4, 3, 2, 1].map((n) => records[n]?.id ?? ''))
    expect(said.map(({ level, message }) => [level, message])).toEqual([
      ['warn', 'Dead letters go to the file, for the stream fails'],
      ['info', expect.stringContaining('Dead letters go to')],
    ])
    expect(said[0]?.fields?.error).toBe(away)
    expect(await idsOf(both)).toEqual(records.map(({ id }) => id).toReversed())
  })

  test('of what is too large for the stream goes to the file, and says nothing against the stream', async () => {
    places.fail(new StoreError('too-large', 'too large'))
    const [large, larger, small] = [letter(), letter(), letter()]
    await places.both.write(large)
    await places.both.write(larger)
    places.fail(undefined)
    await places.both.write(small)
    expect(await idsOf(places.files)).toEqual([larger.id, large.id])
    expect(await idsOf(places.stream)).toEqual([small.id])
    expect(places.said.map(({ message }) => message)).toEqual([
      'Dead letters that are too large for the stream go to the file',
    ])
  })

  test('that is called off goes nowhere', async () => {
    const gone = AbortSignal.abort(new Error('called off'))
    places.fail(away)
    expect(await rejection(places.both.write(letter(), gone))).toMatchObject({ message: 'no answer in time' })
    expect(await idsOf(places.files)).toEqual([])
  })

  test('both places are named', () => {
    expect(places.both.place).toBe(`${places.stream.place} or ${places.files.place}`)
  })
})

describe('reading', () => {
  test('takes what is in both for one entry, wherever it stands in them', async () => {
    const records = Array.from({ length: 40 }, () => letter())
    for (const [n, record] of records.entries()) {
      // In the order of another worker, whose clock differs.
      if (n % 2 === 0) await places.stream.write(records[n ^ 2] ?? record)
      if (n % 3 === 0) await places.files.write(record)
    }
    const expected = records.filter((_, n) => n % 3 === 0 || n % 2 === 0).map(({ id }) => id)
    expect((await idsOf(places.both)).toSorted()).toEqual(expected.toSorted())
  })

  test('fails when the stream does, for half of a list looks like all of it', async () => {
    await places.files.write(letter())
    places.fail(away)
    expect(await rejection(idsOf(places.both))).toBe(away)
    expect(await rejection(places.both.find(letter().id, signal))).toBe(away)
    expect(await rejection(places.both.purge(() => true, signal))).toBe(away)
  })

  test('finds what is in either', async () => {
    const [one, other] = [letter(), letter()]
    await places.stream.write(one)
    await places.files.write(other)
    expect((await places.both.find(one.id, signal))?.record).toEqual(one)
    expect((await places.both.find(other.id, signal))?.record).toEqual(other)
    expect(await places.both.find(letter().id, signal)).toBeUndefined()
  })

  test('the sum of both is told', async () => {
    await places.both.write(letter())
    await places.files.write(letter())
    const sizes = [places.stream.size(), places.files.size()]
    const sum = sizes.reduce((total, size) => total + (size?.entries ?? 0), 0)
    expect(places.both.size()?.entries ?? 0).toBeLessThanOrEqual(sum + 1)
  })
})

describe('claims', () => {
  test('go where the entry is, and to both when it is in both', async () => {
    const [streamed, filed, twice] = [letter(), letter(), letter()]
    for (const record of [streamed, twice]) await places.stream.write(record)
    for (const record of [filed, twice]) await places.files.write(record)
    for (const { id } of [streamed, filed, twice]) {
      const claim = claimOf([id], { job: `acme\n${id}` })
      expect(await places.both.claim(claim, signal)).toEqual({ kind: 'granted', n: 1 })
      await places.both.settle(claim, 1, 'done', signal)
      expect((await places.both.find(id, signal))?.mark).toMatchObject({ state: 'done', n: 1 })
    }
    const marks = async (store: DeadLetterStore) => (await allOf(store)).map(({ mark }) => mark?.state)
    expect([await marks(places.stream), await marks(places.files)]).toEqual([
      ['done', 'done'],
      ['done', 'done'],
    ])
  })

  test('of an entry in the file alone need no stream', async () => {
    const record = letter()
    await places.files.write(record)
    await allOf(places.both)
    places.fail(away)
    const claim = claimOf([record.id])
    expect(await places.both.claim(claim, signal)).toEqual({ kind: 'granted', n: 1 })
    await places.both.settle(claim, 1, 'failed', signal)
    expect((await allOf(places.files))[0]?.mark).toMatchObject({ state: 'failed' })
  })

  test('that the file refuses are taken back from the stream', async () => {
    const record = letter()
    await places.stream.write(record)
    await places.files.write(record)
    const claim = claimOf([record.id])
    await places.files.claim(claim, signal)
    expect(await places.both.claim(claim, signal)).toMatchObject({ kind: 'taken', mark: { state: 'begun', n: 1 } })
    expect((await allOf(places.stream))[0]?.mark).toMatchObject({ state: 'failed' })
    expect(await places.both.claim({ ...claim, force: true }, signal)).toEqual({ kind: 'granted', n: 2 })
  })
})

test('purging counts what is in both once', async () => {
  const [one, other, twice, kept] = [letter(), letter(), letter(), letter({ reason: 'EXPIRED' })]
  for (const record of [one, twice, kept]) await places.stream.write(record)
  for (const record of [other, twice]) await places.files.write(record)
  expect(await places.both.purge(({ record }) => record.reason !== 'EXPIRED', signal)).toBe(3)
  expect(await idsOf(places.both)).toEqual([kept.id])
})

test('without a stream in the settings, or on the bus, there are the files alone', async () => {
  const worlds: FileWorld[] = []
  for (const [stream, bus] of [
    [undefined, { deadLetters: { open: () => places.stream } }],
    ['DLQ', {}],
    ['DLQ', undefined],
  ] as const) {
    const world = await fileWorld()
    worlds.push(world)
    const deadLetters = { ...settingsFor(world.path), ...(stream && { stream }) }
    await using store = await openDeadLetterStores({
      ...{ config: { deadLetters }, bus, clock: new FakeClock(), log: saidLog().log },
    })
    expect(store.place).toBe(world.path)
  }
  for (const world of worlds) await world[Symbol.asyncDispose]()
})

deadLetterContract('A stream and files', async () => {
  const [shared, own] = [await fileWorld(), await fileWorld()]
  const stores = new AsyncDisposableStack()
  return {
    async open() {
      const stream = await shared.open()
      const config = { deadLetters: { ...settingsFor(own.path), stream: 'DLQ' } }
      const bus = { deadLetters: { open: () => stream } }
      return stores.use(await openDeadLetterStores({ config, bus, clock: new FakeClock(), log: saidLog().log }))
    },
    async [Symbol.asyncDispose]() {
      await stores.disposeAsync()
      await shared[Symbol.asyncDispose]()
      await own[Symbol.asyncDispose]()
    },
  }
})
