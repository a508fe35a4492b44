import { expect, test } from 'bun:test'
import { TenantQueue } from '../../src/lib/tenant-queue.ts'

function queueOf(...items: readonly string[]): TenantQueue<string> {
  const queue = new TenantQueue<string>()
  for (const item of items) queue.push(item.slice(0, 1), item)
  return queue
}

function all(queue: TenantQueue<string>): readonly string[] {
  const taken: string[] = []
  for (let item = queue.take(); item !== undefined; item = queue.take()) taken.push(item)
  return taken
}

test('tenants are served in turn, each in its own order', () => {
  const queue = queueOf('a1', 'a2', 'a3', 'b1', 'c1', 'b2')
  expect(queue.size).toBe(6)
  expect(all(queue)).toEqual(['a1', 'b1', 'c1', 'a2', 'b2', 'a3'])
  expect(queue.size).toBe(0)
})

test('who comes later does not overtake those whose turn it is', () => {
  const queue = queueOf('a1', 'a2', 'b1')
  expect(queue.take()).toBe('a1')
  queue.push('c', 'c1')
  queue.push('b', 'b2')
  expect(all(queue)).toEqual(['b1', 'a2', 'c1', 'b2'])
})

test('what is removed is gone, and its tenant with the last', () => {
  const queue = queueOf('a1', 'a2', 'b1')
  expect(queue.remove('b', 'b1')).toBe(true)
  expect(queue.remove('b', 'b1')).toBe(false)
  expect(queue.remove('a', 'a1')).toBe(true)
  expect(queue.size).toBe(1)
  queue.push('b', 'b2')
  expect(all(queue)).toEqual(['a2', 'b2'])
})
