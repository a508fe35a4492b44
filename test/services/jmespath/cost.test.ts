/** A step is a step, whatever is handed in: what is counted is what it takes, and nothing goes on without being counted. */
import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { systemClock } from '../../../src/lib/clock.ts'
import { openJmespath } from '../../../src/services/jmespath/jmespath.ts'
import type { Json } from '../../../src/services/jmespath/json-value.ts'
import { data, everyFunction, fresh, lists, objects, spend, texts } from './adversary.ts'

/** What one step may take, in milliseconds: several times what it does take on a machine with nothing else to do. */
const longestStepMs = 0.0005

/** What is not said to be anyone's fault, in milliseconds; and how often a measurement may be disturbed. */
const slackMs = 5
const mostTries = 12

const monotonic = () => systemClock.monotonic()

/** The least that something takes over `allowed` in some tries; at most 0 when it once keeps to it. */
function excess(measure: () => number): number {
  let least = Number.POSITIVE_INFINITY
  for (let tries = 0; tries < mostTries && least > 0; tries++) least = Math.min(least, measure())
  return least
}

/** How much longer an expression takes than its steps may, in milliseconds. */
const excessOfSteps = (expression: string) =>
  excess(() => {
    const startMs = monotonic()
    const { total } = spend(expression, data, 50_000)
    return monotonic() - startMs - total * longestStepMs - slackMs
  })

const names = [...texts, ...lists, ...objects]
const repeated = (expression: string) => `map(&${expression}, many)`

const chain = Array.from({ length: 250 }, () => '@').join('&&')
const known: readonly string[] = [
  `map(&[${Array.from({ length: 20 }, () => chain).join()}]|length(@), [$.wide, $.wide])`,
  'many[?$.wide]',
  'many[?$.sparseNames]',
  'many[?!$.digitNames]',
  'many[*].[$.wide ? @ : @]',
  ...['wide', 'digitNames', 'sparseNames'].flatMap((name) => [`length($.${name})`, `$.${name}.*`].map(repeated)),
  ...['contains', 'find_first', 'find_last', 'split'].flatMap((name) =>
    ['end', 'middle', 'start', 'short', 'word'].map((sought) => repeated(`${name}($.abs, $.${sought})`)),
  ),
  ...['contains', 'find_first', 'find_last', 'split'].map((name) => repeated(`${name}($.wideUnits, $.wideMiddle)`)),
  repeated('replace($.abs, $.middle, $.letter)'),
  repeated('replace($.pairs, $.empty, $.letter, `2`)'),
  repeated('starts_with($.same, $.same2)'),
  repeated('ends_with($.same, $.same2)'),
  ...['same', 'almost', 'wide', 'longNames', 'longWords', 'deepList', 'emptyObjects', 'records'].map((name) =>
    repeated(`($.${name} == $.${name}2)`),
  ),
  repeated('contains($.longWords, $.same)'),
  repeated('contains([$.same], $.same2)'),
  ...['blanks', 'pairs', 'same'].map((name) => repeated(`trim($.${name}, $.${name}2)`)),
  ...['controls', 'longWords', 'longNames', 'sparseNames', 'emptyLists'].map((name) =>
    repeated(`to_string($.${name})`),
  ),
  ...['emptyLists', 'lists', 'nulls'].flatMap((name) => [`$.${name}[]`, `zip($.${name})`].map(repeated)),
  repeated('to_number($.digits)'),
  repeated(`let $${'a'.repeat(5000)} = @ in $${'a'.repeat(5000)}`),
  repeated(`{${Array.from({ length: 1500 }, (_, index) => `a${index}: @`).join()}}`),
  repeated(`merge(${Array.from({ length: 2000 }, () => '$.wide').join()})`),
  repeated("from_items([['99999', @]])"),
]

describe('what a step takes', () => {
  test.each(known.map((expression) => [expression.slice(0, 80), expression]))('%s', (_shortened, expression) => {
    expect(excessOfSteps(expression)).toBeLessThanOrEqual(0)
  })

  /** Functions of the right number of arguments, whatever these are. */
  const value = fc.constantFrom(...names).map((name) => `$.${name}`)
  const argument = fc.oneof(
    { weight: 8, arbitrary: value },
    fc.constantFrom('@', '`2`', '`100000`', '&@', '&name', '&to_string(@)', '&length(@)', "'x'"),
  )
  const call = fc
    .tuple(fc.constantFrom(...everyFunction), fc.array(argument, { minLength: 4, maxLength: 4 }), fc.nat(3))
    .map(
      ([[name, { fewest, most }], given, more]) => `${name}(${given.slice(0, Math.min(fewest + more, most)).join()})`,
    )
  const operation = fc
    .tuple(value, fc.constantFrom('.*', '[]', '[*]', '[::2]', '[::-1]', '[9:]', '[-1]', '[?@]', '[?@==$.same]', '.a'))
    .map((parts) => parts.join(''))
  const pair = fc
    .tuple(value, fc.constantFrom('==', '!=', '&&', '||', '<'), value)
    .map((parts) => `(${parts.join(' ')})`)

  test('of anything, over anything', () => {
    fc.assert(
      fc.property(fc.oneof({ weight: 3, arbitrary: call }, operation, pair), (expression) => {
        expect(excessOfSteps(repeated(expression))).toBeLessThanOrEqual(0)
      }),
      { numRuns: 400 },
    )
  }, 60_000)
})

describe('what goes on without being counted', () => {
  const length = 3_000_000
  const many = 300_000
  const long = fresh({
    same: 'a'.repeat(length),
    same2: 'a'.repeat(length),
    abs: 'ab'.repeat(length / 2),
    middle: `${'ab'.repeat(length / 8)}ba${'ab'.repeat(length / 8)}`,
    pairs: '😀'.repeat(length / 2),
    dotted: 'İ'.repeat(length),
    sigmas: 'Σ'.repeat(length),
    blanks: ' '.repeat(length),
    controls: '\u0001'.repeat(length),
    numbers: Array.from({ length: many }, (_, index) => (index * 7919) % many),
    emptyLists: Array.from({ length: many }, () => []),
    words: Array.from({ length: many }, (_, index) => `w${index}`),
    wide: Object.fromEntries(Array.from({ length: many }, (_, index) => [`k${index}`, index])),
  })

  /** What a thread does between two looks at whether it is still wanted. */
  const longestMs = 100

  test.each([
    ...['contains', 'find_first', 'find_last', 'split'].map((name) => `${name}(abs, middle)`),
    'replace(abs, middle, same)',
    'replace(pairs, `""`, `"-"`)',
    'split(abs, `"a"`)',
    "join('-', words)",
    "replace(same, 'a', 'bb')",
    ...['upper', 'lower', 'reverse', 'length', 'trim'].flatMap((name) =>
      ['abs', 'pairs', 'dotted', 'sigmas', 'controls', 'blanks'].map((text) => `${name}(${text})`),
    ),
    ...['[::2]', '[::-1]', '[7:]'].flatMap((slice) => ['pairs', 'abs', 'numbers'].map((name) => `${name}${slice}`)),
    'trim(pairs, pairs)',
    'find_last(pairs, abs, `5`, `1000000`)',
    'same == same2',
    "pad_left('x', `9000000`)",
    'to_string([numbers, words, abs, pairs, controls, emptyLists, wide])',
    'zip(numbers, words, emptyLists)',
    'sort(words)',
    'group_by(words, &@)',
    'from_items(zip(words, numbers))',
    'items(merge(wide, wide)) | from_items(@)',
    '[emptyLists, numbers][]',
    'wide.*',
  ])('%s', (expression) => {
    expect(excess(() => spend(expression, long, 2_000_000, monotonic).longestMs - longestMs)).toBeLessThanOrEqual(0)
  })
})

describe('the calling thread', () => {
  const wide = Object.fromEntries(Array.from({ length: 60_000 }, (_, index) => [`k${index}`, 1]))
  const items = Array.from({ length: 3000 }, () => 1)
  const ab = 'ab'.repeat(200_000)
  const same = 'a'.repeat(450_000)
  let inWide: unknown = wide
  for (let level = 0; level < 900; level++) inWide = [inWide, level]

  /** Far more than it is, as other processes have their turns too. */
  const longestTurnMs = 40

  /** The longest that everything else waits, in milliseconds, for a search that no thread takes over. */
  async function longestTurn(expression: string, over: Json): Promise<number> {
    let [startMs, longestMs] = [monotonic(), 0]
    const end = (): void => {
      longestMs = Math.max(longestMs, monotonic() - startMs)
    }
    const soon = (run: () => void): void => {
      end()
      systemClock.soon(() => {
        startMs = monotonic()
        run()
      })
    }
    const threads = { run: () => Promise.resolve('null'), [Symbol.asyncDispose]: () => Promise.resolve() }
    const jmespath = openJmespath({ threads, clock: { ...systemClock, soon } })
    await jmespath.search(expression, over, new AbortController().signal)
    end()
    return longestMs
  }

  test.each<[what: string, expression: string, over: unknown]>([
    ['chains of what is true', `map(&[${Array.from({ length: 20 }, () => chain).join()}]|length(@), [@, @])`, wide],
    ['a wide object, again and again', 'items[?$.big] | length(@)', { big: wide, items }],
    ['how long a wide object is', 'map(&length($.big), items) | length(@)', { big: wide, items }],
    ['one search', 'contains(a, b)', { a: ab, b: `${ab.slice(0, 100_000)}ba${ab.slice(0, 100_000)}` }],
    ['one search from the end', 'find_last(a, b)', { a: ab, b: `${ab.slice(0, 200_000)}ba` }],
    ['equal texts', 'items[?$.a == $.b] | length(@)', { a: same, b: same, items }],
    ['equal beginnings', 'map(&starts_with($.a, $.b), items) | length(@)', { a: same, b: same, items }],
    ['a wide object far inside', 'to_string(@) | length(@)', inWide],
    ['a long text', 'lower(@) | length(@)', 'Σ\u0001'.repeat(2_000_000)],
    ['a long name', '*.a | length(@)', { ['n'.repeat(5_000_000)]: 1 }],
    ['a long list', 'sort(@) | length(@)', Array.from({ length: 300_000 }, (_, index) => -index)],
    ['a long expression', `[${Array.from({ length: 4000 }, () => 'a.b').join()}] | length(@)`, items],
  ])('is not held up by %s', async (_what, expression, over) => {
    const given = fresh(over)
    let leastMs = Number.POSITIVE_INFINITY
    for (let tries = 0; tries < mostTries && leastMs > longestTurnMs; tries++) {
      leastMs = Math.min(leastMs, await longestTurn(expression, given))
    }
    expect(leastMs).toBeLessThanOrEqual(longestTurnMs)
  })
})
