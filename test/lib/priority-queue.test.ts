import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { PriorityQueue } from '../../src/lib/priority-queue.ts'

interface Item {
  readonly rank: number
}

function queue(): PriorityQueue<Item> {
  return new PriorityQueue<Item>((a, b) => a.rank < b.rank)
}

function drained(from: PriorityQueue<Item>): Item[] {
  const items: Item[] = []
  for (let item = from.pop(); item !== undefined; item = from.pop()) items.push(item)
  return items
}

const someItems = fc.array(fc.record({ rank: fc.integer({ min: 0, max: 50 }) }), { maxLength: 200 })

describe('a priority queue', () => {
  test('is empty at first', () => {
    expect(queue().pop()).toBeUndefined()
    expect(queue().peek()).toBeUndefined()
    expect(queue().remove({ rank: 1 })).toBe(false)
  })

  test('hands everything out once, in order', () => {
    fc.assert(
      fc.property(someItems, (items) => {
        const heap = queue()
        for (const item of items) heap.push(item)
        expect(heap.size).toBe(items.length)
        expect(new Set(heap)).toEqual(new Set(items))
        const out = drained(heap)
        expect(new Set(out).size).toBe(items.length)
        expect(out.map(({ rank }) => rank)).toEqual(items.map(({ rank }) => rank).sort((a, b) => a - b))
      }),
    )
  })

  test('keeps its order when items are taken out of the middle', () => {
    fc.assert(
      fc.property(someItems, fc.array(fc.nat(199)), (items, indexes) => {
        const heap = queue()
        for (const item of items) heap.push(item)
        const removed = new Set(indexes.flatMap((index) => items[index] ?? []))
        for (const item of removed) expect(heap.remove(item)).toBe(true)
        for (const item of removed) expect(heap.remove(item)).toBe(false)
        const left = items.filter((item) => !removed.has(item))
        expect(heap.size).toBe(left.length)
        expect(drained(heap).map(({ rank }) => rank)).toEqual(left.map(({ rank }) => rank).sort((a, b) => a - b))
      }),
    )
  })

  test('shows what it would hand out next', () => {
    const heap = queue()
    for (const rank of [5, 3, 9]) heap.push({ rank })
    expect(heap.peek()).toEqual({ rank: 3 })
    expect(heap.size).toBe(3)
  })
})
