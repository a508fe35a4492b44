/** What every state store promises, wherever it keeps the records. */
import { describe, expect, test } from 'bun:test'
import { type StateStore, StoreError } from '../../src/store/state-store.ts'
import { eventually } from '../support/eventually.ts'
import { runHistories } from '../support/store-histories.ts'
import { rejection } from './bus-world.ts'

/** A place where records are. */
export interface StoreWorld extends AsyncDisposable {
  /** One more store over the same records, in good health; the world closes it. */
  open(): Promise<StateStore>
  /** Whether the records outlive the stores. */
  readonly lasts: boolean
}

const { signal } = new AbortController()
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const everyByte = Uint8Array.from({ length: 256 }, (_, n) => n)

async function put(store: StateStore, key: string, dueAt?: number, value = bytes(key)): Promise<string> {
  const revision = await store.create(key, value, dueAt, signal)
  if (revision === undefined) throw new Error(`${key} is taken`)
  return revision
}

/** Runs the contract over the worlds that `enter` makes; `histories` random ones are compared with a model. */
export function storeContract(name: string, enter: () => Promise<StoreWorld>, histories: number): void {
  describe(`${name}: records`, () => {
    test.each([
      ['every byte', everyByte],
      ['nothing', new Uint8Array()],
      ['a part of a larger buffer', everyByte.subarray(100, 110)],
    ])('of %s are read as they were written', async (_, value) => {
      await using world = await enter()
      const [one, other] = [await world.open(), await world.open()]
      const revision = await put(one, 'a.key', undefined, value)
      for (const store of [one, other]) {
        const entry = await store.get('a.key', signal)
        expect(entry?.revision).toBe(revision)
        expect(new Uint8Array(entry?.value ?? [])).toEqual(new Uint8Array(value))
      }
      expect(await one.get('a.key.b', signal)).toBeUndefined()
    })

    test('do not change with the bytes they were made of', async () => {
      await using world = await enter()
      const store = await world.open()
      const value = bytes('before')
      await put(store, 'k', undefined, value)
      value.fill(0)
      const read = await store.get('k', signal)
      read?.value.fill(0)
      expect((await store.get('k', signal))?.value).toEqual(bytes('before'))
    })

    test('are made once, however many try at the same time', async () => {
      await using world = await enter()
      const stores = [await world.open(), await world.open()]
      const tries = Array.from({ length: 50 }, (_, n) => stores[n % 2]?.create('one', bytes(`${n}`), undefined, signal))
      const made = (await Promise.all(tries)).flatMap((revision, n) =>
        revision === undefined ? [] : [{ revision, n }],
      )
      expect(made).toHaveLength(1)
      const entry = await stores[1]?.get('one', signal)
      expect(entry?.revision).toBe(made[0]?.revision ?? '')
      expect(entry?.value).toEqual(bytes(`${made[0]?.n}`))
    })

    test('are replaced by whoever has read the newest, and by nobody else', async () => {
      await using world = await enter()
      const store = await world.open()
      const first = await put(store, 'k')
      const second = await store.replace({ key: 'k', revision: first }, bytes('2'), undefined, signal)
      expect(second).not.toBe(first)
      expect(await store.replace({ key: 'k', revision: first }, bytes('3'), undefined, signal)).toBeUndefined()
      expect(await store.replace({ key: 'none', revision: first }, bytes('3'), undefined, signal)).toBeUndefined()
      expect((await store.get('k', signal))?.value).toEqual(bytes('2'))
    })

    test('lose no change under contention', async () => {
      await using world = await enter()
      const stores = [await world.open(), await world.open()]
      await put(stores[0] ?? (await world.open()), 'sum', undefined, bytes('0'))
      const increment = async (store: StateStore): Promise<void> => {
        for (;;) {
          const entry = await store.get('sum', signal)
          if (entry === undefined) throw new Error('the record is gone')
          const next = bytes(`${Number(new TextDecoder().decode(entry.value)) + 1}`)
          if ((await store.replace(entry, next, undefined, signal)) !== undefined) return
        }
      }
      const contender = async (n: number): Promise<void> => {
        for (let times = 0; times < 25; times += 1) await increment(stores[n % 2] ?? (await world.open()))
      }
      await Promise.all([0, 1, 2, 3].map(contender))
      expect((await stores[0]?.get('sum', signal))?.value).toEqual(bytes('100'))
    })

    test('are removed by whoever has read the newest, and may then be made again', async () => {
      await using world = await enter()
      const store = await world.open()
      const revision = await put(store, 'k', 1)
      const newest = await store.replace({ key: 'k', revision }, bytes('2'), 1, signal)
      expect(await store.remove({ key: 'k', revision }, signal)).toBe(false)
      expect(await store.remove({ key: 'k', revision: newest ?? '' }, signal)).toBe(true)
      expect(await store.remove({ key: 'k', revision: newest ?? '' }, signal)).toBe(false)
      expect(await store.get('k', signal)).toBeUndefined()
      expect(await store.list('', undefined, 10, signal)).toEqual([])
      expect(await store.due(2, 10, signal)).toEqual([])
      expect(store.count('')).toBe(0)
      const again = await put(store, 'k', 1)
      expect(again).not.toBe(newest ?? '')
      expect(await store.due(2, 10, signal)).toEqual(['k'])
    })

    test('are still there when everything was closed', async () => {
      await using world = await enter()
      const before = await world.open()
      const revisions = [await put(before, 'a', 2), await put(before, 'b', 1), await put(before, 'c')]
      if (!world.lasts) return
      await before[Symbol.asyncDispose]()
      const after = await world.open()
      expect((await after.list('', undefined, 10, signal)).map(({ revision }) => revision)).toEqual(revisions)
      expect(await after.due(5, 10, signal)).toEqual(['b', 'a'])
      expect(after.count('')).toBe(3)
    })
  })

  describe(`${name}: finding`, () => {
    test('lists what begins with a prefix, in order, page by page', async () => {
      await using world = await enter()
      const store = await world.open()
      const ours = ['p', 'p-x', 'p.0', 'p.9', 'p.A', 'p._', 'p.a', 'p.a=', 'p.b', 'pz', 'p_']
      for (const key of [...ours.toReversed(), 'o', 'q', 'P', 'o.p']) await put(store, key)
      const sorted = ours.toSorted((a, b) => (a < b ? -1 : 1))
      const listed: string[] = []
      for (;;) {
        const page = await store.list('p', listed.at(-1), 4, signal)
        listed.push(...page.map(({ key }) => key))
        if (page.length < 4) break
      }
      expect(listed).toEqual(sorted)
      expect((await store.list('p.', 'p.9', 2, signal)).map(({ key, value }) => [key, value])).toEqual([
        ['p.A', bytes('p.A')],
        ['p._', bytes('p._')],
      ])
      expect(await store.list('nothing', undefined, 10, signal)).toEqual([])
      expect(await store.list('p', undefined, 0, signal)).toEqual([])
      expect(store.count('p')).toBe(ours.length)
      expect(store.count('p.a')).toBe(2)
    })

    test('names what is due, the longest due first', async () => {
      await using world = await enter()
      const store = await world.open()
      const later = await put(store, 'later', 300)
      await put(store, 'soon', 100)
      await put(store, 'never')
      const middle = await put(store, 'middle', 200)
      expect(await store.due(99, 10, signal)).toEqual([])
      expect(await store.due(100, 10, signal)).toEqual(['soon'])
      expect(await store.due(1000, 10, signal)).toEqual(['soon', 'middle', 'later'])
      expect(await store.due(1000, 2, signal)).toEqual(['soon', 'middle'])
      await store.replace({ key: 'later', revision: later }, bytes('x'), 50, signal)
      await store.replace({ key: 'middle', revision: middle }, bytes('x'), undefined, signal)
      expect(await store.due(1000, 10, signal)).toEqual(['later', 'soon'])
    })

    test('knows before long what others have written', async () => {
      await using world = await enter()
      const [one, other] = [await world.open(), await world.open()]
      const revision = await put(one, 'shared', 10)
      await eventually(async () => (await other.due(10, 1, signal)).length === 1)
      expect((await other.list('shared', undefined, 1, signal))[0]?.revision).toBe(revision)
      expect(other.count('sh')).toBe(1)
      const next = await other.replace({ key: 'shared', revision }, bytes('x'), 20, signal)
      await eventually(async () => (await one.due(10, 1, signal)).length === 0)
      await one.remove({ key: 'shared', revision: next ?? '' }, signal)
      await eventually(() => other.count('') === 0)
      expect(await other.due(100, 1, signal)).toEqual([])
    })
  })

  describe(`${name}: limits`, () => {
    test.each(['', '.', '.a', 'a.', 'a..b', 'a b', 'a*', '>', 'a/b', 'a:b', 'ä', 'a\n', 'a\0', 'k'.repeat(201)])(
      '%j is no key',
      async (key) => {
        await using world = await enter()
        const store = await world.open()
        for (const attempt of [
          store.create(key, bytes('x'), undefined, signal),
          store.get(key, signal),
          store.replace({ key, revision: '1' }, bytes('x'), undefined, signal),
          store.remove({ key, revision: '1' }, signal),
        ])
          expect(await rejection(attempt)).toBeInstanceOf(RangeError)
      },
    )

    test('the longest key and every character of the alphabet will do', async () => {
      await using world = await enter()
      const store = await world.open()
      const keys = ['k'.repeat(200), 'ABCXYZabcxyz0189_-=.-.=._']
      for (const key of keys) await put(store, key, 1)
      expect([...(await store.due(1, 10, signal))].toSorted()).toEqual(keys.toSorted())
    })

    test.each([1.5, Number.NaN, Number.POSITIVE_INFINITY])('%p is no moment', async (dueAt) => {
      await using world = await enter()
      expect(await rejection((await world.open()).create('k', bytes('x'), dueAt, signal))).toBeInstanceOf(RangeError)
    })

    test('a value of the largest size is kept, a larger one is refused', async () => {
      await using world = await enter()
      const store = await world.open()
      const most = new Uint8Array(store.maxValueBytes).fill(255)
      const key = 'k'.repeat(200)
      const revision = await put(store, key, 8_640_000_000_000_000, most)
      expect((await store.get(key, signal))?.value.length).toBe(most.length)
      const larger = new Uint8Array(most.length + 1)
      const refused = [
        await rejection(store.create('other', larger, undefined, signal)),
        await rejection(store.replace({ key, revision }, larger, undefined, signal)),
      ]
      expect(refused).toEqual([expect.any(StoreError), expect.any(StoreError)])
      expect(refused).toMatchObject([{ reason: 'too-large' }, { reason: 'too-large' }])
      expect(store.health()).toBe('ok')
    })

    test('nothing is done for whoever has gone', async () => {
      await using world = await enter()
      const store = await world.open()
      const reason = new Error('gone')
      const over = AbortSignal.abort(reason)
      for (const attempt of [
        store.create('k', bytes('x'), 1, over),
        store.get('k', over),
        store.replace({ key: 'k', revision: '1' }, bytes('x'), 1, over),
        store.remove({ key: 'k', revision: '1' }, over),
        store.list('', undefined, 1, over),
        store.due(1, 1, over),
      ])
        expect(await rejection(attempt)).toBe(reason)
      expect(await store.get('k', signal)).toBeUndefined()
    })
  })

  test(`${name}: behaves as a map does, in random histories`, async () => {
    await using world = await enter()
    await runHistories([await world.open(), await world.open()], histories)
  }, 60_000)
}
