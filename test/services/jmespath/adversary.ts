/** What a hostile caller hands in: data on which a function costs most, and expressions that ask for it often. */
import { evaluate } from '../../../src/services/jmespath/evaluator.ts'
import type { JmespathFunction } from '../../../src/services/jmespath/function-signature.ts'
import type { Json } from '../../../src/services/jmespath/json-value.ts'
import { listFunctions } from '../../../src/services/jmespath/list-functions.ts'
import { LimitReached, Meter } from '../../../src/services/jmespath/meter.ts'
import { objectFunctions } from '../../../src/services/jmespath/object-functions.ts'
import { parse } from '../../../src/services/jmespath/parser.ts'
import { textFunctions } from '../../../src/services/jmespath/text-functions.ts'
import { valueFunctions } from '../../../src/services/jmespath/value-functions.ts'

/** Every function that there is. */
export const everyFunction: ReadonlyMap<string, JmespathFunction> = new Map([
  ...valueFunctions,
  ...textFunctions,
  ...listFunctions,
  ...objectFunctions,
])

/** As data comes in: read from JSON text, so that nothing is shared and texts are whole. */
export function fresh(value: unknown): Json {
  // What was written as JSON is JSON data.
  return JSON.parse(JSON.stringify(value)) as Json
}

const list = (length: number, item: (index: number) => unknown): unknown => Array.from({ length }, (_, i) => item(i))
const object = (size: number, name: (index: number) => string, value: (index: number) => unknown): unknown =>
  Object.fromEntries(Array.from({ length: size }, (_, index) => [name(index), value(index)]))

function nested(levels: number, innermost: unknown): unknown {
  let data = innermost
  for (let level = 0; level < levels; level++) data = level % 2 === 0 ? [data] : { a: data }
  return data
}

/** Two texts that a search compares far into, at every place. */
const [half, quarter] = ['ab'.repeat(40_000), 'ab'.repeat(20_000)]

const textsByName: Readonly<Record<string, string>> = {
  empty: '',
  letter: 'a',
  word: 'ab',
  short: `${'ab'.repeat(15)}ba`,
  digits: '7'.repeat(400),
  end: `${half}ba`,
  middle: `${quarter}ba${quarter}`,
  start: `ba${half}`,
  abs: 'ab'.repeat(80_000),
  almost: `${'ab'.repeat(79_999)}aé`,
  wideUnits: 'Ѐb'.repeat(80_000),
  wideMiddle: `${'Ѐb'.repeat(20_000)}bЀ${'Ѐb'.repeat(20_000)}`,
  same: 'a'.repeat(160_000),
  pairs: '😀'.repeat(60_000),
  blanks: ' '.repeat(160_000),
  controls: '\u0001'.repeat(160_000),
  dotted: 'İ'.repeat(100_000),
  sigmas: 'Σ'.repeat(100_000),
  ligatures: 'ﬃ'.repeat(100_000),
  lone: '\ud800'.repeat(60_000),
}

/** Texts, lists and objects, each twice: equal, but not the same. */
export const texts = Object.keys(textsByName).flatMap((name) => [name, `${name}2`])
const listsByName: Readonly<Record<string, unknown>> = {
  numbers: list(40_000, (index) => (index * 7919) % 40_000),
  words: list(40_000, (index) => `w${(index * 7919) % 40_000}`),
  wideWords: list(20_000, (index) => `Ѐ😀${index % 7}`),
  longWords: list(40, (index) => `${'a'.repeat(20_000)}${index % 3}`),
  manyEmptyTexts: list(60_000, () => ''),
  emptyLists: list(60_000, () => []),
  emptyObjects: list(60_000, () => ({})),
  nulls: list(60_000, () => null),
  pairsOfNames: list(20_000, (index) => [`k${index}`, index]),
  pairsOfDigits: list(20_000, (index) => [`${100_001 + index * 1000}`, index]),
  pairsOfLongNames: list(40, (index) => [`${'n'.repeat(20_000)}${index}`, index]),
  lists: list(5000, () => [1, 2, 3]),
  records: list(5000, (id) => ({ id, name: `item ${id}`, tags: ['a', 'b'], more: { a: null } })),
  deepList: nested(900, 1),
}
const objectsByName: Readonly<Record<string, unknown>> = {
  wide: object(
    40_000,
    (index) => `key${index}`,
    () => 1,
  ),
  digitNames: object(20_000, String, () => 1),
  sparseNames: object(
    20_000,
    (index) => `${100_001 + index * 1000}`,
    () => 1,
  ),
  longNames: object(
    40,
    (index) => `${'n'.repeat(20_000)}${index}`,
    () => 1,
  ),
  wideOfTexts: object(
    10_000,
    (index) => `key${index}`,
    (index) => `value ${index}`,
  ),
  deepObject: nested(901, 1),
}
export const lists = Object.keys(listsByName).flatMap((name) => [name, `${name}2`])
export const objects = Object.keys(objectsByName).flatMap((name) => [name, `${name}2`])

const once = { ...textsByName, ...listsByName, ...objectsByName }

/** All of it in one object, by name; `many` is a list to ask a thing of again and again. */
export const data: Json = fresh({
  ...once,
  ...Object.fromEntries(Object.entries(once).map(([name, value]) => [`${name}2`, value])),
  many: list(3000, (index) => index),
})

/** Counts every step, and finds the longest time between two of them. */
class CountingMeter extends Meter {
  total = 0
  longestMs = 0
  readonly #now: (() => number) | undefined
  #lastMs: number

  constructor(steps: number, now?: () => number) {
    super({ steps, size: 128 * 1024 * 1024 })
    this.#now = now
    this.#lastMs = now?.() ?? 0
  }

  override step(count = 1): void {
    this.total += count
    this.look()
    super.step(count)
  }

  look(): void {
    if (this.#now === undefined) return
    const nowMs = this.#now()
    this.longestMs = Math.max(this.longestMs, nowMs - this.#lastMs)
    this.#lastMs = nowMs
  }
}

/** Evaluates until it ends or has used so many steps. With `now` the times between two steps are looked at. */
export function spend(expression: string, over: Json, steps: number, now?: () => number): CountingMeter {
  const tree = parse(expression)
  const meter = new CountingMeter(steps, now)
  try {
    evaluate(tree, over, meter)
  } catch (thrown) {
    // Arguments need not fit: refusing them has its cost too.
    const isExpected = thrown instanceof LimitReached || (thrown instanceof Error && thrown.name === 'JobError')
    if (!isExpected) throw thrown
  }
  meter.look()
  return meter
}
