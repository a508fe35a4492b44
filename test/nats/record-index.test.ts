import { expect, test } from 'bun:test'
import { RecordIndex } from '../../src/nats/record-index.ts'

test('news that come late change nothing', () => {
  const index = new RecordIndex()
  index.stored('k', 5, 50)
  index.stored('k', 4, 40)
  index.removed('k', 3)
  expect(index.due(100, 10)).toEqual(['k'])
  expect(index.due(45, 10)).toEqual([])
})

test('what was removed here does not come back with older news, but with newer', () => {
  const index = new RecordIndex()
  index.stored('k', 5, 50)
  index.removed('k', 6)
  index.stored('k', 5, 50)
  expect(index.count('')).toBe(0)
  index.told(6)
  index.stored('k', 7, 70)
  expect(index.due(70, 1)).toEqual(['k'])
})

test('a key that the bucket does not have is forgotten, unless news have come since', () => {
  const index = new RecordIndex()
  index.stored('stale', 1, 1)
  const stale = index.known('stale')
  const fresh = index.known('fresh')
  index.stored('fresh', 2, 2)
  index.gone('stale', stale)
  index.gone('fresh', fresh)
  expect(index.keys('', undefined, 10)).toEqual(['fresh'])
})
