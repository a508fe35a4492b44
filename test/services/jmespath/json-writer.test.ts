import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { systemClock } from '../../../src/lib/clock.ts'
import type { Json } from '../../../src/services/jmespath/json-value.ts'
import { writeJson } from '../../../src/services/jmespath/json-writer.ts'

const { signal } = new AbortController()
const write = (data: Json, longest = 100_000_000) => writeJson(data, longest, { clock: systemClock, signal })

const item = { id: 1, text: 'é "quoted" \n', list: [null, true, {}], ['__proto__']: [[]] }
const large = {
  list: Array.from({ length: 5000 }, () => item),
  rest: { ...item, empty: [] },
  last: 'x'.repeat(200_000),
}

test('any data is written as JSON.stringify writes it', async () => {
  await fc.assert(
    fc.asyncProperty(fc.jsonValue(), async (data) => {
      // What fast-check makes here is JSON data.
      expect(await write(data as Json)).toBe(JSON.stringify(data))
    }),
  )
})

test('so is what takes several turns, between which others have theirs', async () => {
  let turns = 0
  const soon = (run: () => void): void => {
    turns++
    systemClock.soon(run)
  }
  expect(await writeJson(large, 100_000_000, { clock: { ...systemClock, soon }, signal })).toBe(JSON.stringify(large))
  expect(turns).toBeGreaterThan(1)
})

test('too long, and nested too deeply', async () => {
  const text = JSON.stringify(large)
  expect(await write(large, text.length)).toBe(text)
  expect(write(large, text.length - 1)).rejects.toMatchObject({ details: { limit: 'size' } })
  let deep: Json = []
  for (let level = 0; level < 1500; level++) deep = [deep]
  expect(write(deep)).rejects.toMatchObject({ details: { limit: 'depth' } })
})

test('a list has no holes', async () => {
  const holes: Json[] = []
  holes[2500] = 1
  expect(await write({ a: holes })).toBe(JSON.stringify({ a: holes }))
})
