import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { mergeDescending } from '../../src/lib/merge-descending.ts'

async function* give(items: readonly string[], onEnd: () => void = () => undefined) {
  try {
    yield* items
  } finally {
    onEnd()
  }
}

async function all(source: AsyncIterable<string>): Promise<readonly string[]> {
  const items: string[] = []
  for await (const item of source) items.push(item)
  return items
}

test('what is in order in each source is in order in all of them', async () => {
  const source = fc.array(fc.string({ maxLength: 3 })).map((items) => items.toSorted().toReversed())
  await fc.assert(
    fc.asyncProperty(fc.array(source, { maxLength: 4 }), async (sources) => {
      const merged = await all(
        mergeDescending(
          sources.map((items) => give(items)),
          (item) => item,
        ),
      )
      expect(merged).toEqual(sources.flat().toSorted().toReversed())
    }),
    { numRuns: 200 },
  )
})

test('of two that are equal the one of the earlier source comes first', async () => {
  const merged = mergeDescending([give(['b1', 'a1']), give(['c2', 'b2', 'a2'])], ([key = '']) => key)
  expect(await all(merged)).toEqual(['c2', 'b1', 'b2', 'a1', 'a2'])
})

test('every source is ended when nobody reads on', async () => {
  let ended = 0
  const sources = [1, 2, 3].map((n) => give([`b${n}`, `a${n}`], () => (ended += 1)))
  for await (const item of mergeDescending(sources, (each) => each)) {
    expect(item).toBe('b3')
    break
  }
  expect(ended).toBe(3)
})

test('what one source fails with is told, and the others are ended', async () => {
  let ended = 0
  async function* failing() {
    yield 'b'
    throw new Error('torn')
  }
  const merged = mergeDescending([failing(), give(['a'], () => (ended += 1))], (item) => item)
  expect(await all(merged).catch((error: unknown) => error)).toEqual(new Error('torn'))
  expect(ended).toBe(1)
})
