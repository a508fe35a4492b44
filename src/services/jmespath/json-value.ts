/** Plain JSON data as expressions see it: own properties only, so that nothing of the host can be reached. */
import { LimitReached, type Meter } from './meter.ts'

/** Plain JSON data. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject

/** An object of plain JSON data; a member that is `undefined` is read as null. */
export interface JsonObject {
  readonly [key: string]: Json
}

/** What the specification calls a value's type. */
export type JsonType = 'null' | 'boolean' | 'number' | 'string' | 'array' | 'object'

/** Far deeper than any honest data, far from where walking it runs out of stack. */
export const deepestData = 1000

export function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value)
}

export function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function typeOf(value: Json): JsonType {
  if (typeof value === 'string') return 'string'
  if (typeof value === 'number') return 'number'
  if (typeof value === 'boolean') return 'boolean'
  if (isList(value)) return 'array'
  return isObject(value) ? 'object' : 'null'
}

/** A member of an object, null when it has none of its own by that name. */
export function member(object: JsonObject, name: string): Json {
  return Object.hasOwn(object, name) ? (object[name] ?? null) : null
}

/** Gives a new object a member, whatever its name: `__proto__` too is a name like any other. */
export function put<T>(object: Record<string, T>, name: string, value: T): void {
  if (name !== '__proto__') object[name] = value
  else Object.defineProperty(object, name, { value, writable: true, enumerable: true, configurable: true })
}

/** The members of an object, in their order: each name with the value at the same place. */
interface Members {
  readonly names: readonly string[]
  readonly values: readonly Json[]
}

/** From so many members on each takes long, the more so when its name is written in digits: steps for its value, its name. */
const manyMembers = 500
const cost = { value: 3, name: 4 }

/** The values of an object's members. The runtime cannot tell how many there are sooner than it lists them. */
export function valuesOf(object: JsonObject, meter: Meter): readonly Json[] {
  const values = Object.values(object)
  meter.step(1 + values.length * (values.length < manyMembers ? 1 : cost.value))
  return values
}

/** All members of an object. To list the names takes longer by far than to list the values, so it is counted before. */
export function membersOf(object: JsonObject, meter: Meter): Members {
  const values = valuesOf(object, meter)
  if (values.length >= manyMembers) meter.step(values.length * cost.name)
  return { names: Object.keys(object), values }
}

/** Null, false, and everything empty are false. */
export function isTrue(value: Json, meter: Meter): boolean {
  if (isList(value) || typeof value === 'string') return value.length > 0
  if (isObject(value)) return valuesOf(value, meter).length > 0
  return value !== null && value !== undefined && value !== false
}

/** Whether two values are the same data. */
export function isEqual(left: Json, right: Json, meter: Meter, depth = 0): boolean {
  meter.step()
  if (depth > deepestData) throw new LimitReached('depth')
  if (typeof left === 'string' && typeof right === 'string') return isSameText(left, right, meter)
  if (left === right) return true
  if (isList(left) && isList(right)) return isSameList(left, right, meter, depth)
  return isObject(left) && isObject(right) && isSameObject(left, right, meter, depth)
}

function isSameList(left: readonly Json[], right: readonly Json[], meter: Meter, depth: number): boolean {
  return (
    left.length === right.length &&
    left.every((item, index) => isEqual(item ?? null, right[index] ?? null, meter, depth + 1))
  )
}

function isSameObject(left: JsonObject, right: JsonObject, meter: Meter, depth: number): boolean {
  const { names, values } = membersOf(left, meter)
  if (valuesOf(right, meter).length !== names.length) return false
  return names.every((name, index) => {
    meter.step(name.length >> 3)
    return Object.hasOwn(right, name) && isEqual(values[index] ?? null, member(right, name), meter, depth + 1)
  })
}

function isSameText(left: string, right: string, meter: Meter): boolean {
  if (left.length !== right.length) return false
  meter.step(left.length >> 3)
  return left === right
}

/**
 * What is left of a length in characters after a value's JSON text, about (escapes count as one character). What is
 * shared counts as often as it would be written. Throws LimitReached when nothing is left.
 */
export function weigh(value: Json, left: number, meter: Meter, depth = 0): number {
  meter.step()
  if (depth > deepestData) throw new LimitReached('depth')
  let rest = left - (typeof value === 'string' ? value.length + 3 : 3)
  if (rest < 0) throw new LimitReached('size')
  if (isList(value)) for (const item of value) rest = weigh(item ?? null, rest, meter, depth + 1)
  else if (isObject(value)) {
    const { names, values } = membersOf(value, meter)
    for (let index = 0; index < names.length; index++) {
      rest = weigh(values[index] ?? null, rest - (names[index] ?? '').length - 3, meter, depth + 1)
    }
  }
  return rest
}
