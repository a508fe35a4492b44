import { type ArrayItems, parseArray } from './array-literal.ts'
import { readJson } from './json-text.ts'
import { isoTimestamp, isoTimestampInUtc, isoTimeWithZone } from './time-text.ts'
import type { ScalarForm, TypeInfo } from './type-info.ts'

/**
 * Reads one value, not NULL, as the server wrote it, into JSON. Never throws: what is not in the form of its type, because
 * a statement changed how the server writes, stays the text it is.
 */
type Decode = (text: string) => unknown

const octal = 8

/** How the values of a type are read. */
export function decoder(type: TypeInfo): Decode {
  if (type.form !== 'array') return scalars[type.form]
  const { delimiter } = type
  const decode = decoder(type.element)
  return (text) => {
    const items = parseArray(text, delimiter)
    return items === undefined ? text : decoded(items, decode)
  }
}

function decoded(items: ArrayItems, decode: Decode): readonly unknown[] {
  return items.map((item) => {
    if (item === null) return null
    return typeof item === 'string' ? decode(item) : decoded(item, decode)
  })
}

const scalars: Readonly<Record<ScalarForm, Decode>> = {
  text: (text) => text,
  numeric: (text) => text,
  bool: (text) => text === 't',
  int: finiteNumber,
  float: finiteNumber,
  bigint: safeInteger,
  json: readJson,
  bytea: base64,
  timestamp: isoTimestamp,
  timestamptz: isoTimestampInUtc,
  timetz: isoTimeWithZone,
  vector: (text) => (text === '' ? [] : text.split(' ').map(finiteNumber)),
  void: () => null,
}

/** NaN and the infinities, which JSON has no numbers for, stay texts. */
function finiteNumber(text: string): number | string {
  const value = Number(text)
  return Number.isFinite(value) ? value : text
}

function safeInteger(text: string): number | string {
  const value = Number(text)
  return Number.isSafeInteger(value) ? value : text
}

/** A statement may have set bytea_output to `escape`, where a backslash is written twice. */
function base64(text: string): string {
  const bytes = text.startsWith('\\x') ? Buffer.from(text.slice(2), 'hex') : Buffer.from(unescaped(text), 'latin1')
  return bytes.toString('base64')
}

function unescaped(text: string): string {
  return text.replaceAll(/\\(\\|[0-7]{3})/g, (_, code: string) =>
    code === '\\' ? code : String.fromCharCode(Number.parseInt(code, octal)),
  )
}
