import { reversed } from './code-points.ts'
import { type Call, type JmespathFunction, type Reference, takes, takesMany } from './function-signature.ts'
import { type Json, put, typeOf } from './json-value.ts'
import { joined } from './text-blocks.ts'
import { order } from './value-functions.ts'

interface Keyed {
  readonly item: Json
  readonly key: number | string
}

/** Functions of lists, and those that ask an expression of every item. */
export const listFunctions: readonly (readonly [name: string, found: JmespathFunction])[] = [
  [
    'map',
    takes(['expression', 'array'], ([expression, items], { meter }) => {
      meter.makePlaces(items.length)
      return items.map((item) => expression.of(item ?? null))
    }),
  ],
  [
    'reverse',
    takes(['string|array'], ([value], { meter }) => {
      if (typeof value === 'string') return reversed(value, meter)
      meter.step(value.length)
      meter.makePlaces(value.length)
      return value.toReversed()
    }),
  ],
  [
    'sort',
    takes(['numbers|strings'], ([values], { meter }) => {
      meter.makePlaces(values.length)
      const copy: readonly (number | string)[] = values
      return copy.toSorted((a, b) => order(a, b, meter))
    }),
  ],
  [
    'sort_by',
    takes(['array', 'expression'], ([items, expression], call) => {
      const keyed = keysOf(items, expression, call)
      return keyed.toSorted((a, b) => order(a.key, b.key, call.meter)).map(({ item }) => item)
    }),
  ],
  ['max_by', takes(['array', 'expression'], ([items, expression], call) => extremeBy(items, expression, 1, call))],
  ['min_by', takes(['array', 'expression'], ([items, expression], call) => extremeBy(items, expression, -1, call))],
  [
    'group_by',
    takes(['array', 'expression'], ([items, expression], { meter, fail }) => {
      const groups: Record<string, Json[]> = {}
      for (const item of items) {
        const key = expression.of(item ?? null)
        if (typeof key !== 'string') return fail(`the expression must give string, not ${typeOf(key)}`)
        meter.step(2 + (key.length >> 3))
        meter.makePlaces(1)
        if (!Object.hasOwn(groups, key)) {
          meter.makePlaces(4)
          put(groups, key, [])
        }
        groups[key]?.push(item ?? null)
      }
      return groups
    }),
  ],
  [
    'zip',
    takesMany('array', (lists, { meter }) => {
      const length = lists.reduce((shortest, list) => Math.min(shortest, list.length), Number.POSITIVE_INFINITY)
      meter.makePlaces(length * (2 + lists.length))
      const rows: (readonly Json[])[] = []
      while (rows.length < length) {
        meter.step(1 + lists.length)
        rows.push(lists.map((list) => list[rows.length] ?? null))
      }
      return rows
    }),
  ],
  [
    'from_items',
    takes(['arrays'], ([pairs], { meter, fail }) => {
      meter.makePlaces(2 * pairs.length)
      const object: Record<string, Json> = {}
      for (const pair of pairs) {
        const [name, value = null] = pair
        if (pair.length !== 2 || typeof name !== 'string') return fail('every item must be a pair of string and value')
        meter.step(1 + (name.length >> 3))
        put(object, name, value)
      }
      return object
    }),
  ],
  [
    'join',
    takes(['string', 'strings'], ([glue, texts], { meter }) => {
      const length = texts.reduce((sum, text) => sum + text.length, glue.length * Math.max(0, texts.length - 1))
      meter.step(length >> 3)
      meter.make(length)
      return joined(texts, glue, meter)
    }),
  ],
]

/** Every item with its key; all keys are numbers, or all are texts. */
function keysOf(items: readonly Json[], expression: Reference, { meter, fail }: Call): readonly Keyed[] {
  meter.makePlaces(4 * items.length)
  const keyed: Keyed[] = []
  for (const item of items) {
    const key = expression.of(item ?? null)
    if (typeof key !== 'number' && typeof key !== 'string') {
      return fail(`the expression must give number or string, not ${typeOf(key)}`)
    }
    const first = keyed[0]
    if (first !== undefined && typeof first.key !== typeof key) return fail('the expression gives numbers and strings')
    keyed.push({ item: item ?? null, key })
  }
  return keyed
}

function extremeBy(items: readonly Json[], expression: Reference, sign: 1 | -1, call: Call): Json {
  let best: Keyed | undefined
  for (const keyed of keysOf(items, expression, call)) {
    if (best === undefined || sign * order(keyed.key, best.key, call.meter) > 0) best = keyed
  }
  return best?.item ?? null
}
