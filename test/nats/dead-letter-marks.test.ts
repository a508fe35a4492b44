import { expect, test } from 'bun:test'
import { claimed, noMarks, obstacle, readMarks, settled, writeMarks } from '../../src/nats/dead-letter-marks.ts'
import type { Claim } from '../../src/store/dead-letter-store.ts'

const at = '2026-11-03T12:00:00.000Z'
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

function claimOf(ids: Claim['ids'], more: Partial<Claim> = {}): Claim {
  return { ...{ job: 'j', ids, atLeast: 1, force: false, by: 'auto' }, ...more }
}

test('what was written is read again', () => {
  const marks = settled(claimed(noMarks, claimOf(['B', 'A']), at), claimOf(['B', 'A']), { state: 'done', at, n: 1 })
  expect(readMarks(writeMarks(marks))).toEqual(marks)
  expect(marks.marks.get('B')).toEqual({ state: 'done', at, by: 'auto', n: 1 })
  expect(marks.marks.get('A')).toEqual({ state: 'done', at, by: 'auto', n: 1, through: 'B' })
})

test.each(['', 'null', '[]', '{"n":"1","marks":{}}', '{"n":1}', '{"n":1.5,"marks":{}}', '\xff'])(
  'what is no record of marks counts as none: %j',
  (text) => {
    expect(readMarks(bytes(text))).toEqual(noMarks)
  },
)

test('marks that are none are left out, the others stay', () => {
  const good = { state: 'done', at, by: 'x', n: 2 }
  const marks = { a: good, b: { ...good, state: 'lost' }, c: 1, d: { ...good, through: 3 }, e: { ...good, n: '2' } }
  expect([...readMarks(bytes(JSON.stringify({ n: 2, marks }))).marks.keys()]).toEqual(['a'])
})

test('who settles late does not overwrite the mark of a later claim', () => {
  const first = claimed(noMarks, claimOf(['A']), at)
  const second = claimed(first, claimOf(['A'], { force: true, by: 'api' }), at)
  const after = settled(second, claimOf(['A']), { state: 'done', at, n: 1 })
  expect(after.marks.get('A')).toEqual({ state: 'begun', at, by: 'api', n: 2 })
  expect(obstacle(after, claimOf(['A']))?.n).toBe(2)
  expect(obstacle(after, claimOf(['A'], { force: true }))).toBeUndefined()
})

test('an entry that was sent keeps its mark, however many newer ones it stood for', () => {
  const id = (n: number): string => String(n).padStart(26, '0')
  const newer = Array.from({ length: 1_500 }, (_, n) => id(n + 1))
  const claim = claimOf([id(0), ...newer])
  const marks = settled(claimed(noMarks, claim, at), claim, { state: 'done', at, n: 1 })
  expect(marks.marks.size).toBe(1_000)
  expect(obstacle(marks, claimOf([id(0)]))).toEqual({ state: 'done', at, by: 'auto', n: 1 })
  expect(obstacle(marks, claimOf([id(1_500)]))).toMatchObject({ through: id(0) })
})

test('of a thousand entries of one job those that were written last are told apart', () => {
  const ids = Array.from({ length: 1_500 }, (_, n) => String(n).padStart(26, '0'))
  let marks = noMarks
  for (const id of ids) marks = claimed(marks, claimOf([id]), at)
  expect([marks.n, marks.marks.size]).toEqual([1_500, 1_000])
  expect([...marks.marks.keys()]).toEqual(ids.slice(-1_000))
  expect(writeMarks(marks).byteLength).toBeLessThan(250_000)
})
