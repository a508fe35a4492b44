/** Laws over any data and many expressions: threads answer as the main thread does, and as another implementation. */
import { afterAll, expect, test } from 'bun:test'
import { search as searchElsewhere } from '@jmespath-community/jmespath'
import fc from 'fast-check'
import { answerOf, openSearch } from './open-search.ts'

const search = openSearch()
afterAll(() => search[Symbol.asyncDispose]())

const name = fc.constantFrom('a', 'b', 'c')
const scalar = fc.oneof(fc.boolean(), fc.integer({ min: -5, max: 5 }), fc.constantFrom('', 'a', 'b', 'é😀'))

/** Data in which the names are found; without nulls, on which the implementations differ by intent. */
const { data } = fc.letrec<{ data: unknown; list: unknown; object: unknown }>((tie) => ({
  data: fc.oneof({ maxDepth: 4 }, scalar, tie('object'), tie('list')),
  list: fc.array(tie('data'), { maxLength: 4 }),
  object: fc.dictionary(name, tie('data'), { maxKeys: 3 }),
}))

const step = fc.oneof(
  name.map((field) => `.${field}`),
  fc.integer({ min: -3, max: 3 }).map((index) => `[${index}]`),
  fc
    .tuple(fc.constantFrom('', '0', '1', '-2'), fc.constantFrom('', '2', '-1'), fc.constantFrom('', ':2', ':-1'))
    .map(([start, stop, by]) => `[${start}:${stop}${by}]`),
  fc.constantFrom('[*]', '.*', '[]', '[?a]', '[?a == b]', "[?@ == 'a']", '[?b > `0`]', '[?!c]'),
)
const path = fc.tuple(name, fc.array(step, { maxLength: 4 })).map(([first, steps]) => first + steps.join(''))
const expression = fc.oneof(
  { weight: 3, arbitrary: path },
  fc.tuple(path, fc.constantFrom('||', '&&', '==', '!=', '<', '|'), path).map((parts) => parts.join(' ')),
  fc.tuple(path, path).map(([first, second]) => `[${first}, {x: ${second}}]`),
  fc
    .tuple(fc.constantFrom('type', 'to_string', 'to_array', 'not_null', 'reverse', 'keys', 'values', 'length'), path)
    .map(([called, argument]) => `${called}(${argument})`),
  path.map((list) => `map(&type(@), ${list})`),
)

/** Text may be sliced in both, but is cut elsewhere by units, not by code points. */
const isText = (value: unknown) => JSON.stringify(value ?? null).includes('😀')

test('threads answer as the main thread does', async () => {
  const hostile = fc.oneof(
    expression,
    fc.string(),
    fc.constantFrom('sort(a)', 'sum(a)', 'a + b', 'max_by(@, &a)', "join('-', a)"),
  )
  await fc.assert(
    fc.asyncProperty(hostile, fc.oneof(fc.dictionary(name, data), fc.jsonValue()), async (text, given) => {
      const usual = await answerOf(search.usual, text, given)
      const threaded = await answerOf(search.threaded, text, given)
      expect(JSON.stringify(threaded)).toBe(JSON.stringify(usual))
    }),
    { numRuns: 500 },
  )
})

test('another implementation finds the same', async () => {
  let compared = 0
  await fc.assert(
    fc.asyncProperty(expression, fc.dictionary(name, data), async (text, given) => {
      fc.pre(!isText(given))
      const ours = await answerOf(search.usual, text, given)
      let theirs: unknown
      try {
        // What fast-check made is JSON data.
        theirs = searchElsewhere(given as Parameters<typeof searchElsewhere>[0], text)
      } catch {
        expect(ours).toHaveProperty('code', 'JMESPATH_RUNTIME_ERROR')
        return
      }
      compared++
      expect(JSON.stringify(ours)).toBe(JSON.stringify({ value: theirs }))
    }),
    { numRuns: 2000 },
  )
  expect(compared).toBeGreaterThan(1000)
})
