import { afterAll, describe, expect, test } from 'bun:test'
import { systemClock } from '../../src/lib/clock.ts'
import { answerOf, openSearch } from '../services/jmespath/open-search.ts'

const search = openSearch()
afterAll(() => search[Symbol.asyncDispose]())

/** How long the event loop may be held up, in milliseconds, on a machine that does other things as well. */
const longestLagMs = 250

/** Fails when the event loop is held up meanwhile. */
async function withoutLag<T>(run: () => Promise<T>): Promise<T> {
  const everyMs = 5
  let [lagMs, lastMs] = [0, systemClock.monotonic()]
  const look = (): void => {
    const nowMs = systemClock.monotonic()
    lagMs = Math.max(lagMs, nowMs - lastMs - everyMs)
    lastMs = nowMs
  }
  const timer = systemClock.every(everyMs, look)
  const result = await run().finally(() => timer.cancel())
  look()
  expect(lagMs).toBeLessThan(longestLagMs)
  return result
}

const size = { code: 'SCRIPT_LIMIT_EXCEEDED', details: { limit: 'size' } }
const depth = { code: 'SCRIPT_LIMIT_EXCEEDED', details: { limit: 'depth' } }
const numbers = Array.from({ length: 100_000 }, (_, index) => index)
const records = Array.from({ length: 20_000 }, (_, id) => ({
  id,
  name: `item ${(id * 7919) % 20_000}`,
  tags: ['a', 'b'],
}))

function nested(levels: number): unknown {
  let data: unknown = []
  for (let level = 1; level < levels; level++) data = [data]
  return data
}

describe('what would grow without bound ends, and holds nobody up', () => {
  test.each<[what: string, expression: string, data: unknown]>([
    ['a text that doubles', `to_string(@)${'|[@,@]|to_string(@)'.repeat(10)}`, 'x'.repeat(100_000)],
    ['a list that doubles, written out', `@${'|[@,@]'.repeat(27)}|to_string(@)`, 1],
    ['a list that doubles, as the value', `@${'|[@,@]'.repeat(40)}`, 1],
    ['an object that doubles', `@${'|{a:@,b:@}'.repeat(40)}`, 1],
    ['joining', `@${"|join('',[@,@,@,@])".repeat(20)}`, 'x'],
    ['padding', "pad_left('a', `1000000000`)", 1],
    ['padding many', "map(&pad_left('a', `100000`), @)", numbers],
    ['replacing', `@${"|replace(@,'a','aaaaaaaaaa')".repeat(20)}`, 'aaaa'],
    ['splitting', "split(@, '')", 'ab'.repeat(10_000_000)],
    ['reversing', 'reverse(@)', 'ab'.repeat(10_000_000)],
    ['everything for everything', '[].[$[].[$[].[$[]]]]', numbers.slice(0, 2000)],
    ['flattening', `@${'|[@,@,@,@][]'.repeat(30)}`, [1]],
    ['too much data', '[0]|length(@)', Array.from({ length: 50 }, () => ['x'.repeat(1_000_000)])],
    ['too large a value', '[@, @]', records],
  ])('%s', async (_what, expression, data) => {
    expect(await withoutLag(() => answerOf(search.threaded, expression, data))).toEqual(size)
  })

  test.each(['@', '@ == `[]`', 'to_string(@)', 'length(to_string(@))'])(
    'data nested deeply: %s',
    async (expression) => {
      expect(await withoutLag(() => answerOf(search.threaded, expression, nested(5000)))).toEqual(depth)
    },
  )

  test.each<[expression: string, data: unknown, value: unknown]>([
    ['sort_by(@, &name)[0].id', records, 0],
    ["length([?contains(name, '9') && tags[0] == 'a'])", records, 6878],
    [
      "let $s = replace(pad_left('', `400000`, 'a'), 'a', 'ab') in let $h = replace(pad_left('', `100000`, 'a'), 'a', 'ab') in contains($s, join('', [$h, 'ba', $h]))",
      {},
      false,
    ],
    ['sum(@)', numbers, 4_999_950_000],
    ['max(@)', numbers, 99_999],
    ['length(@)', 'é'.repeat(1_000_000), 1_000_000],
    ['length(keys(@))', Object.fromEntries(numbers.map((number) => [`k${number}`, 1])), 100_000],
  ])('much data is served all the same: %s', async (expression, data, value) => {
    expect(await withoutLag(() => answerOf(search.usual, expression, data))).toEqual({ value })
  })
})

describe('what takes too long ends with its signal', () => {
  // Compares everything with everything, and makes next to nothing.
  const endless = 'length([?length($[?@ == `-1`]) == `1`])'

  test('and the thread serves the next one', async () => {
    const stop = new AbortController()
    const endlessly = answerOf(search.usual, endless, numbers, stop.signal).catch((thrown: unknown) => thrown)
    systemClock.after(100, () => stop.abort('time is up'))
    const startMs = systemClock.monotonic()
    expect(await withoutLag(() => endlessly)).toBe('time is up')
    expect(systemClock.monotonic() - startMs).toBeLessThan(100 + longestLagMs)
    expect(await answerOf(search.threaded, 'sum(@)', [1, 2])).toEqual({ value: 3 })
  })

  test('aborted before it starts, or while the data is being written', async () => {
    const stop = new AbortController()
    const writing = search.threaded.search('@', records, stop.signal).catch((thrown: unknown) => thrown)
    stop.abort('gone')
    expect(await writing).toBe('gone')
    expect(await search.usual.search('@', 1, stop.signal).catch((thrown: unknown) => thrown)).toBe('gone')
  })
})
