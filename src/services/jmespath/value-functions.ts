import { comparePoints, countPoints } from './code-points.ts'
import { type Call, type JmespathFunction, takes, takesMany } from './function-signature.ts'
import { jsonText } from './json-text.ts'
import { isEqual, isList, isObject, type Json, typeOf, valuesOf } from './json-value.ts'
import { searchFor } from './occurrences.ts'

/** A number as JSON writes it: what JavaScript reads besides (blanks, hexadecimal, nothing at all) is none. */
const jsonNumber = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/

/** Longer texts are no numbers that anyone means. */
const longestNumber = 400

/** Functions of numbers and of any value. */
export const valueFunctions: readonly (readonly [name: string, found: JmespathFunction])[] = [
  ['abs', takes(['number'], ([value]) => Math.abs(value))],
  ['ceil', takes(['number'], ([value]) => Math.ceil(value))],
  ['floor', takes(['number'], ([value]) => Math.floor(value))],
  ['sum', takes(['numbers'], ([values], call) => sum(values, call))],
  ['avg', takes(['numbers'], ([values], call) => (values.length === 0 ? null : sum(values, call) / values.length))],
  ['max', takes(['numbers|strings'], ([values], call) => extreme(values, 1, call))],
  ['min', takes(['numbers|strings'], ([values], call) => extreme(values, -1, call))],
  ['not_null', takesMany('any', (values) => values.find((value) => value !== null && value !== undefined) ?? null)],
  ['type', takes(['any'], ([value]) => typeOf(value))],
  ['to_array', takes(['any'], ([value]) => (isList(value) ? value : [value]))],
  [
    'to_number',
    takes(['any'], ([value], { meter }) => {
      if (typeof value === 'number') return value
      if (typeof value !== 'string' || value.length > longestNumber) return null
      meter.step(value.length >> 2)
      if (!jsonNumber.test(value)) return null
      return finiteOr(Number(value), () => null)
    }),
  ],
  ['to_string', takes(['any'], ([value], { meter }) => (typeof value === 'string' ? value : jsonText(value, meter)))],
  [
    'length',
    takes(['string|array|object'], ([value], { meter }) => {
      if (typeof value === 'string') return countPoints(value, meter)
      return isObject(value) ? valuesOf(value, meter).length : value.length
    }),
  ],
  [
    'contains',
    takes(['string|array', 'any'], ([where, what], { meter }) => {
      if (typeof where !== 'string') return where.some((item) => isEqual(item ?? null, what, meter))
      return typeof what === 'string' && (what === '' || searchFor(what, meter)(where, 0) !== -1)
    }),
  ],
]

/** The number, unless it is too large to be one in JSON. */
export function finiteOr<T>(value: number, otherwise: () => T): number | T {
  return Number.isFinite(value) ? value : otherwise()
}

function sum(values: readonly number[], { fail }: Call): number {
  let total = 0
  for (const value of values) total += value
  return finiteOr(total, () => fail('the sum is too large'))
}

function extreme(values: readonly number[] | readonly string[], sign: 1 | -1, { meter }: Call): Json {
  let best: number | string | null = null
  for (const value of values) {
    if (best === null || sign * order(value, best, meter) > 0) best = value
  }
  return best
}

/** The order of two numbers or two texts: below, above or equal to zero. */
export function order(left: number | string, right: number | string, meter: Call['meter']): number {
  meter.step()
  if (typeof left === 'number' && typeof right === 'number') return left - right
  return comparePoints(String(left), String(right), meter)
}
