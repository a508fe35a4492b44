import { expect } from 'bun:test'
import fc from 'fast-check'
import type { StateStore } from '../../src/store/state-store.ts'

interface Modelled {
  readonly value: string
  readonly dueAt: number | undefined
  readonly revision: string
}

type Model = Map<string, Modelled>

/** One step: made on the store, and on a map, and compared. */
type Step = (store: StateStore, model: Model) => Promise<void>

const { signal } = new AbortController()
const encode = (text: string): Uint8Array => new TextEncoder().encode(text)
const decode = (value: Uint8Array): string => new TextDecoder().decode(value)

const key = fc.constantFrom('a', 'a.b', 'a.c', 'a-b', 'a_', 'b', 'b.a', 'B', '0=')
const prefix = fc.constantFrom('', 'a', 'a.', 'b', 'c')
const value = fc.string({ maxLength: 20 })
const dueAt = fc.option(fc.integer({ min: -5, max: 20 }), { nil: undefined })
const limit = fc.integer({ min: 0, max: 6 })
/** Whether a change names the newest revision, or one that never was or is no more. */
const isNewest = fc.integer({ min: 0, max: 3 }).map((n) => n > 0)

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(key, value, dueAt).map(
    ([k, v, due]): Step =>
      async (store, model) => {
        const revision = await store.create(k, encode(v), due, signal)
        expect(revision === undefined).toBe(model.has(k))
        if (revision !== undefined) model.set(k, { value: v, dueAt: due, revision })
      },
  ),
  fc.tuple(key, value, dueAt, isNewest).map(
    ([k, v, due, newest]): Step =>
      async (store, model) => {
        const before = newest ? (model.get(k)?.revision ?? '1') : '999999999'
        const revision = await store.replace({ key: k, revision: before }, encode(v), due, signal)
        expect(revision !== undefined).toBe(newest && model.has(k))
        expect(revision).not.toBe(before)
        if (revision !== undefined) model.set(k, { value: v, dueAt: due, revision })
      },
  ),
  fc.tuple(key, isNewest).map(
    ([k, newest]): Step =>
      async (store, model) => {
        const revision = newest ? (model.get(k)?.revision ?? '1') : '999999999'
        expect(await store.remove({ key: k, revision }, signal)).toBe(newest && model.delete(k))
      },
  ),
  key.map(
    (k): Step =>
      async (store, model) => {
        const entry = await store.get(k, signal)
        expect(entry && decode(entry.value)).toBe(model.get(k)?.value)
        expect(entry?.revision).toBe(model.get(k)?.revision)
      },
  ),
  fc.tuple(prefix, fc.option(key, { nil: undefined }), limit).map(
    ([p, after, most]): Step =>
      async (store, model) => {
        const expected = [...model]
          .filter(([k]) => k.startsWith(p) && (after === undefined || k > after))
          .toSorted(([a], [b]) => (a < b ? -1 : 1))
          .slice(0, most)
        const listed = await store.list(p, after, most, signal)
        expect(listed.map((entry) => [entry.key, decode(entry.value), entry.revision])).toEqual(
          expected.map(([k, kept]) => [k, kept.value, kept.revision]),
        )
        expect(store.count(p)).toBe([...model.keys()].filter((k) => k.startsWith(p)).length)
      },
  ),
  fc.tuple(fc.integer({ min: -5, max: 25 }), limit).map(
    ([now, most]): Step =>
      async (store, model) => {
        const moments = [...model.values()].flatMap((kept) => (kept.dueAt === undefined ? [] : [kept.dueAt]))
        const expected = moments.filter((due) => due <= now).toSorted((a, b) => a - b)
        const due = await store.due(now, most, signal)
        expect(due.map((k) => model.get(k)?.dueAt)).toEqual(expected.slice(0, most))
        expect(new Set(due).size).toBe(due.length)
      },
  ),
)

/** Runs random histories on one store, whose records another one over the same records then has to know. */
export async function runHistories([store, other]: readonly [StateStore, StateStore], runs: number): Promise<void> {
  const histories = fc.array(step, { maxLength: 25 })
  await fc.assert(
    fc.asyncProperty(histories, async (steps) => {
      const model: Model = new Map()
      try {
        for (const take of steps) await take(store, model)
        for (const [k, kept] of model) expect((await other.get(k, signal))?.revision).toBe(kept.revision)
      } finally {
        for (const entry of await store.list('', undefined, 100, signal)) await store.remove(entry, signal)
      }
    }),
    { numRuns: runs },
  )
}
