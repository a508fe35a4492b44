import { expect, test } from 'bun:test'
import { united } from '../../src/lib/spans.ts'

test('what overlaps is one, what touches is not', () => {
  const lists = [
    [
      { start: 0, end: 4 },
      { start: 20, end: 30 },
    ],
    [],
    [
      { start: 4, end: 8 },
      { start: 9, end: 21 },
    ],
    [{ start: 10, end: 12 }],
  ]
  expect(united(lists)).toEqual([
    { start: 0, end: 4 },
    { start: 4, end: 8 },
    { start: 9, end: 30 },
  ])
  expect(united([])).toEqual([])
})
