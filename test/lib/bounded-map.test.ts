import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { BoundedMap } from '../../src/lib/bounded-map.ts'
import { FakeClock } from '../support/fake-clock.ts'

interface Entry {
  readonly key: number
  readonly size: number
  readonly value: number
}

/** What is left of entries, oldest first, within the bounds. */
function newest(entries: readonly Entry[], maxEntries: number, maxSize: number): Entry[] {
  const left = [...entries]
  while (left.length > maxEntries || left.reduce((sum, { size }) => sum + size, 0) > maxSize) left.shift()
  return left
}

describe('a bounded map', () => {
  test('forgets the oldest entries beyond its number', () => {
    const map = new BoundedMap<string, number>({ maxEntries: 2, maxAgeMs: 1000 }, new FakeClock())
    for (const [index, key] of ['a', 'b', 'c'].entries()) map.set(key, index)
    expect([map.get('a'), map.get('b'), map.get('c')]).toEqual([undefined, 1, 2])
    expect(map.length).toBe(2)
  })

  test('counts a key that is set again as the newest', () => {
    const map = new BoundedMap<string, number>({ maxEntries: 2, maxAgeMs: 1000 }, new FakeClock())
    for (const [index, key] of ['a', 'b', 'a', 'c'].entries()) map.set(key, index)
    expect([map.get('a'), map.get('b'), map.get('c')]).toEqual([2, undefined, 3])
  })

  test('forgets what is old', async () => {
    const clock = new FakeClock()
    const map = new BoundedMap<string, number>({ maxEntries: 10, maxAgeMs: 1000 }, clock)
    map.set('a', 1)
    await clock.advance(999)
    expect(map.get('a')).toBe(1)
    map.set('b', 2)
    await clock.advance(1)
    expect(map.get('a')).toBeUndefined()
    expect(map.get('b')).toBe(2)
    expect(map.length).toBe(1)
  })

  test('lets old entries go even when nobody asks for them again', async () => {
    const clock = new FakeClock()
    const map = new BoundedMap<number, number>({ maxEntries: 10_000, maxAgeMs: 1000 }, clock)
    for (let key = 0; key < 100; key++) map.set(key, key)
    await clock.advance(1000)
    map.set(100, 100)
    expect(map.length).toBe(1)
  })

  test('forgets the oldest entries beyond its size, even the one that is too large by itself', () => {
    const map = new BoundedMap<string, number>({ maxEntries: 10, maxAgeMs: 1000, maxSize: 100 }, new FakeClock())
    map.set('a', 1, 60)
    map.set('b', 2, 60)
    expect([map.get('a'), map.get('b')]).toEqual([undefined, 2])
    map.set('c', 3, 101)
    expect(map.length).toBe(0)
    map.set('d', 4, 100)
    expect(map.get('d')).toBe(4)
  })

  test('gives back the size of what is deleted or replaced', () => {
    const map = new BoundedMap<string, number>({ maxEntries: 10, maxAgeMs: 1000, maxSize: 100 }, new FakeClock())
    map.set('a', 1, 90)
    map.set('a', 1, 50)
    map.set('b', 2, 50)
    expect(map.length).toBe(2)
    expect(map.delete('a')).toBe(true)
    expect(map.delete('a')).toBe(false)
    map.set('c', 3, 50)
    expect(map.length).toBe(2)
  })

  test('holds exactly the newest entries, whatever is done to it', () => {
    const step = fc.record({ key: fc.nat(30), remove: fc.boolean(), size: fc.nat(30) })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), fc.integer({ min: 1, max: 20 }), (steps, maxEntries) => {
        const maxSize = 100
        const map = new BoundedMap<number, number>({ maxEntries, maxAgeMs: 1, maxSize }, new FakeClock())
        let model: Entry[] = []
        for (const [value, { key, remove, size }] of steps.entries()) {
          if (remove) map.delete(key)
          else map.set(key, value, size)
          const others = model.filter((entry) => entry.key !== key)
          model = newest(remove ? others : [...others, { key, size, value }], maxEntries, maxSize)
        }
        expect(map.length).toBe(model.length)
        for (let key = 0; key <= 30; key++) {
          expect(map.get(key)).toBe(model.find((entry) => entry.key === key)?.value)
        }
      }),
    )
  })
})
