/** What every place that keeps dead letters promises. */
import { describe, expect, test } from 'bun:test'
import type { DeadLetter } from '../../src/protocol/dead-letter.ts'
import type { Claim, Claimed, DeadLetterStore } from '../../src/store/dead-letter-store.ts'
import { allOf, letter } from '../support/letters.ts'
import { rejection } from './bus-world.ts'

/** A place where dead letters are kept. */
export interface DeadLetterWorld extends AsyncDisposable {
  /** One more store over the same entries, in good health; the world closes it. */
  open(): Promise<DeadLetterStore>
}

const { signal } = new AbortController()

async function writeAll(store: DeadLetterStore, records: readonly DeadLetter[]): Promise<void> {
  for (const record of records) await store.write(record)
}

function claimOf(ids: Claim['ids'], more: Partial<Claim> = {}): Claim {
  return { job: 'acme:job-1', ids, atLeast: 1, force: false, by: 'command: tester', ...more }
}

function markOf(claimed: Claimed): unknown {
  return claimed.kind === 'taken' ? claimed.mark : undefined
}

/** Runs the contract over the worlds that `enter` makes. */
export function deadLetterContract(name: string, enter: () => Promise<DeadLetterWorld>): void {
  describe(`${name}: entries`, () => {
    test('are read whole by everybody, newest first, those of callers among the others', async () => {
      await using world = await enter()
      const [one, other] = [await world.open(), await world.open()]
      const records = [
        letter({ assignment: { text: 'line\nbreak, "quotes", \u2028 and 🦊', deep: [[[{}]]], none: null } }),
        letter({ reason: 'PARSE_ERROR' }),
        letter({ reason: 'PUBLISH_ERROR', result: { output: 'y'.repeat(300_000) } }),
        letter({ reason: 'DECODE_ERROR', tenantId: 'ü ü' }),
      ]
      await writeAll(one, records)
      const expected = records.toReversed().map((record) => ({
        record,
        mark: undefined,
        rejected: record.reason === 'PARSE_ERROR' || record.reason === 'DECODE_ERROR',
      }))
      for (const store of [one, other]) expect(await allOf(store)).toEqual(expected)
    })

    test('are none in the beginning', async () => {
      await using world = await enter()
      const store = await world.open()
      expect(await allOf(store)).toEqual([])
      expect(await store.find(letter().id, signal)).toBeUndefined()
      expect(await store.purge(() => true, signal)).toBe(0)
      expect(store.place).not.toBe('')
    })

    test('written by many at once are all kept', async () => {
      await using world = await enter()
      const stores = [await world.open(), await world.open()]
      const records = Array.from({ length: 200 }, (_, n) => letter({ reason: n % 3 === 0 ? 'REJECTED' : 'EXPIRED' }))
      await Promise.all(records.map((record, n) => stores[n % 2]?.write(record)))
      const ids = (await allOf(await world.open())).map(({ record }) => record.id)
      expect(ids.toSorted()).toEqual(records.map(({ id }) => id).toSorted())
    })

    test('are found by their id', async () => {
      await using world = await enter()
      const store = await world.open()
      const records = Array.from({ length: 20 }, (_, n) => letter({ reason: n % 2 === 0 ? 'REJECTED' : 'EXPIRED' }))
      await writeAll(store, records)
      for (const record of records) expect((await store.find(record.id, signal))?.record).toEqual(record)
      expect(await store.find(letter().id, signal)).toBeUndefined()
      expect(await store.find('no id', signal)).toBeUndefined()
    })

    test('can be read in part, and not after the signal', async () => {
      await using world = await enter()
      const store = await world.open()
      const records = Array.from({ length: 50 }, () => letter())
      await writeAll(store, records)
      const cut = new AbortController()
      const read: string[] = []
      const reading = async (): Promise<void> => {
        for await (const { record } of store.entries(cut.signal)) {
          read.push(record.id)
          if (read.length === 10) cut.abort(new Error('enough'))
        }
      }
      expect(await rejection(reading())).toMatchObject({ message: 'enough' })
      expect(read.slice(0, 10)).toEqual(
        records
          .slice(-10)
          .map(({ id }) => id)
          .toReversed(),
      )
      for await (const { record } of store.entries(signal)) {
        expect(record.id).toBe(records[49]?.id ?? '')
        break
      }
      await store.write(letter())
    })

    test('say how much they are, or nothing', async () => {
      await using world = await enter()
      const store = await world.open()
      await writeAll(store, [letter(), letter({ reason: 'PARSE_ERROR' })])
      const size = store.size()
      if (size !== undefined) expect([size.entries <= 2, size.bytes < 100_000]).toEqual([true, true])
    })
  })

  describe(`${name}: claims`, () => {
    test('are granted once, told to everybody, and settled', async () => {
      await using world = await enter()
      const [one, other] = [await world.open(), await world.open()]
      const { id } = letter()
      await one.write({ ...letter(), id })
      const claim = claimOf([id])
      expect(await one.claim(claim, signal)).toEqual({ kind: 'granted', n: 1 })
      const begun = markOf(await other.claim({ ...claim, by: 'api: other' }, signal))
      expect(begun).toEqual({ state: 'begun', at: expect.stringMatching(/^\d{4}-.*Z$/), by: claim.by, n: 1 })
      expect((await other.find(id, signal))?.mark as unknown).toEqual(begun)
      await one.settle(claim, 1, 'done', signal)
      expect(markOf(await other.claim(claim, signal))).toMatchObject({ state: 'done', n: 1, by: claim.by })
      expect((await allOf(other))[0]?.mark).toMatchObject({ state: 'done', n: 1 })
    })

    test('are granted to one of many that ask at once', async () => {
      await using world = await enter()
      const stores = [await world.open(), await world.open()]
      const record = letter()
      await stores[0]?.write(record)
      const asked = Array.from({ length: 20 }, (_, n) => stores[n % 2]?.claim(claimOf([record.id]), signal))
      const kinds = (await Promise.all(asked)).map((claimed) => claimed?.kind)
      expect(kinds.filter((kind) => kind === 'granted')).toEqual(['granted'])
    })

    test('that failed may be made again, and count on', async () => {
      await using world = await enter()
      const store = await world.open()
      const record = letter()
      await store.write(record)
      const claim = claimOf([record.id])
      await store.claim(claim, signal)
      await store.settle(claim, 1, 'failed', signal)
      expect((await store.find(record.id, signal))?.mark).toMatchObject({ state: 'failed', n: 1 })
      expect(await store.claim(claim, signal)).toEqual({ kind: 'granted', n: 2 })
    })

    test('can be forced, and count the replays of their job', async () => {
      await using world = await enter()
      const [one, other] = [await world.open(), await world.open()]
      const [first, second, foreign] = [letter(), letter(), letter({ assignmentId: 'job-2' })]
      await writeAll(one, [first, second, foreign])
      const claim = claimOf([first.id])
      expect(await one.claim(claim, signal)).toEqual({ kind: 'granted', n: 1 })
      expect(await other.claim({ ...claim, force: true }, signal)).toEqual({ kind: 'granted', n: 2 })
      await other.settle(claim, 2, 'done', signal)
      expect(await one.claim({ ...claim, force: true, atLeast: 2 }, signal)).toEqual({ kind: 'granted', n: 3 })
      expect(await one.claim(claimOf([second.id], { atLeast: 7 }), signal)).toEqual({ kind: 'granted', n: 7 })
      expect(await one.claim(claimOf([foreign.id], { job: 'acme:job-2' }), signal)).toEqual({ kind: 'granted', n: 1 })
    })

    test('that are forced at once get different numbers', async () => {
      await using world = await enter()
      const stores = [await world.open(), await world.open()]
      const record = letter()
      await stores[0]?.write(record)
      const claim = claimOf([record.id], { force: true })
      const asked = await Promise.all(Array.from({ length: 10 }, (_, n) => stores[n % 2]?.claim(claim, signal)))
      const numbers = asked.map((claimed) => (claimed?.kind === 'granted' ? claimed.n : 0))
      expect(numbers.toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    })

    test('stand for all entries of their job', async () => {
      await using world = await enter()
      const [one, other] = [await world.open(), await world.open()]
      const [oldest, middle, newest] = [letter(), letter({ reason: 'REJECTED' }), letter()]
      await writeAll(one, [oldest, middle, newest])
      const claim = claimOf([newest.id, middle.id, oldest.id])
      await one.claim(claim, signal)
      await one.settle(claim, 1, 'done', signal)
      const marks = (await allOf(other)).map(({ mark }) => mark)
      expect(marks.map((mark) => [mark?.state, mark?.n, mark?.through])).toEqual([
        ['done', 1, undefined],
        ['done', 1, newest.id],
        ['done', 1, newest.id],
      ])
      expect(markOf(await other.claim(claimOf([oldest.id]), signal))).toMatchObject({ through: newest.id })
      const later = letter()
      await other.write(later)
      expect((await other.claim(claimOf([later.id, oldest.id]), signal)).kind).toBe('taken')
      expect(await other.claim(claimOf([later.id]), signal)).toEqual({ kind: 'granted', n: 2 })
    })
  })

  describe(`${name}: purging`, () => {
    test('removes what matches, for everybody, and counts it', async () => {
      await using world = await enter()
      const [one, other] = [await world.open(), await world.open()]
      const records = Array.from({ length: 30 }, (_, n) => letter({ reason: n % 3 === 0 ? 'REJECTED' : 'EXPIRED' }))
      await writeAll(one, records)
      const claim = claimOf([records[0]?.id ?? ''])
      await one.claim(claim, signal)
      expect(await other.purge(({ mark }) => mark !== undefined, signal)).toBe(1)
      expect(await other.purge(({ rejected }) => rejected, signal)).toBe(9)
      const left = (await allOf(one)).map(({ record }) => record)
      expect(left).toEqual(records.filter(({ reason }) => reason === 'EXPIRED').toReversed())
      expect(await one.purge(() => true, signal)).toBe(20)
      expect(await allOf(other)).toEqual([])
      const next = letter()
      await one.write(next)
      expect((await allOf(other)).map(({ record }) => record)).toEqual([next])
    })

    test('leaves what is written meanwhile', async () => {
      await using world = await enter()
      const [one, other] = [await world.open(), await world.open()]
      await Promise.all(Array.from({ length: 100 }, () => one.write(letter({ reason: 'EXPIRED' }))))
      const kept = Array.from({ length: 100 }, () => letter({ reason: 'INTERRUPTED' }))
      const removed: number[] = []
      const purging = async (): Promise<void> => {
        for (let n = 0; n < 3; n++) removed.push(await other.purge(({ record }) => record.reason === 'EXPIRED', signal))
      }
      await Promise.all([purging(), ...kept.map((record) => one.write(record))])
      expect(removed).toEqual([100, 0, 0])
      const ids = (await allOf(one)).map(({ record }) => record.id)
      expect(ids.toSorted()).toEqual(kept.map(({ id }) => id).toSorted())
    })
  })
}
