import { JobError } from '../../errors.ts'
import { type ArrayItems, writeArray } from './array-literal.ts'
import { builtinTypes } from './builtin-types.ts'
import type { TypeInfo } from './type-info.ts'

const hex = /^\\x(?:[0-9a-f]{2})*$/i

/** What a refusal names. */
interface Place {
  readonly index: number
  readonly type: TypeInfo | undefined
}

/** Throws INVALID_INPUT unless a statement gets as many values as it has parameters: the driver would drop the others. */
export function checkParameterCount(given: number, expected: number): void {
  if (given === expected) return
  throw new JobError('INVALID_INPUT', 'The statement has another number of parameters', {
    details: { expected, given },
    unsent: true,
  })
}

/**
 * A JSON value as the text of a parameter, which the server reads by the parameter's type: nothing is rounded or guessed on
 * the way. Without a type, as of a statement that cannot be prepared, arrays and objects are JSON. `index` counts from 0.
 * Throws INVALID_INPUT and BASE64_DECODE_ERROR, with the parameter from 1 and its type.
 */
export function encode(value: unknown, type: TypeInfo | undefined, index: number): string | null {
  if (value === null || value === undefined) return null
  const place = { index, type }
  if (type?.form === 'json') return jsonText(value, place)
  if (typeof value === 'string') return stringText(value, place)
  if (type?.form === 'bytea' && typeof value !== 'object') throw notBase64(place)
  if (typeof value === 'number' && isNoNumber(type))
    throw refusal('Only a number, a text or JSON takes a number: send it as a string', place)
  if (typeof value === 'number') return numberText(value, place)
  if (typeof value === 'boolean') return String(value)
  if (type === undefined) return jsonText(value, place)
  if (!Array.isArray(value)) throw refusal('Only a parameter of type json or jsonb takes an object', place)
  if (type.form === 'array') return writeArray(itemsOf(value, type.element, index), type.delimiter)
  if (type.form === 'vector') return vectorText(value, place)
  throw refusal('Only a parameter of an array type, json or jsonb takes an array', place)
}

/** An array in an array is another dimension, unless the elements themselves are given as arrays. */
function itemsOf(values: readonly unknown[], element: TypeInfo, index: number): ArrayItems {
  const isFlat = element.form === 'json' || element.form === 'array' || element.form === 'vector'
  return values.map((value) =>
    Array.isArray(value) && !isFlat ? itemsOf(value, element, index) : encode(value, element, index),
  )
}

function vectorText(values: readonly unknown[], place: Place): string {
  if (!values.every((value) => Number.isSafeInteger(value))) throw refusal('A vector holds integers only', place)
  return values.join(' ')
}

function stringText(value: string, place: Place): string {
  if (place.type?.form === 'bytea') return hex.test(value) ? value : bytesText(value, place)
  // It would be sent as a replacement character.
  if (!value.isWellFormed()) throw refusal('A string holds half of a character', place)
  return value
}

function bytesText(value: string, place: Place): string {
  const alphabet = /[-_]/.test(value) ? 'base64url' : 'base64'
  try {
    return `\\x${Uint8Array.fromBase64(value, { alphabet }).toHex()}`
  } catch (cause) {
    throw notBase64(place, cause)
  }
}

const builtinNames: ReadonlySet<string> = new Set([...builtinTypes.values()].map(({ name }) => name))
const numbers: ReadonlySet<TypeInfo['form']> = new Set(['int', 'bigint', 'numeric', 'float'])
const texts: ReadonlySet<string> = new Set(['text', 'character varying', 'character', 'name', '"char"', 'unknown'])
const counters: ReadonlySet<string> = new Set(['xid', 'cid', 'xid8'])

/** Whether a type of the server's own would take a number's digits for something else, such as 20200101 for a day. */
function isNoNumber(type: TypeInfo | undefined): boolean {
  if (type === undefined || numbers.has(type.form)) return false
  if (type.form !== 'text') return true
  return builtinNames.has(type.name) && !texts.has(type.name) && !counters.has(type.name)
}

/** Zero keeps its sign. What JSON.parse has rounded already is refused, except where the type holds such numbers. */
function numberText(value: number, place: Place): string {
  if (!Number.isFinite(value)) throw tooLarge(place)
  const isRounded = Number.isInteger(value) && !Number.isSafeInteger(value)
  if (isRounded && place.type?.form !== 'float') throw tooLarge(place)
  return Object.is(value, -0) ? '-0' : String(value)
}

function jsonText(value: unknown, place: Place): string {
  const text = JSON.stringify(value)
  // JSON.parse makes an infinity of 1e999, and JSON.stringify a null of that.
  if (text.includes('null') && hasInfinity(value)) throw tooLarge(place)
  return text
}

function hasInfinity(value: unknown): boolean {
  if (typeof value === 'number') return !Number.isFinite(value)
  return typeof value === 'object' && value !== null && Object.values(value).some(hasInfinity)
}

function tooLarge(place: Place): JobError {
  return refusal('A number is too large to be exact: send it as a string', place)
}

function refusal(message: string, place: Place): JobError {
  return new JobError('INVALID_INPUT', message, { details: detailsOf(place), unsent: true })
}

function notBase64(place: Place, cause?: unknown): JobError {
  return new JobError('BASE64_DECODE_ERROR', 'The bytes are neither base64 nor hexadecimal after \\x', {
    details: detailsOf(place),
    unsent: true,
    cause,
  })
}

function detailsOf({ index, type }: Place): Readonly<Record<string, unknown>> {
  return { parameter: index + 1, ...(type === undefined ? {} : { type: type.name }) }
}
