/** The binary forms in which the driver asks for the values of prepared statements, as the text that the server would write. */
import { builtinTypes } from './builtin-types.ts'

type ToText = (bytes: Buffer) => string

/** Other types come as text. */
const forms: ReadonlyMap<number, ToText> = new Map<number, ToText>([
  [16, (bytes) => (bytes[0] === 0 ? 'f' : 't')],
  [17, (bytes) => `\\x${bytes.toString('hex')}`],
  [23, (bytes) => String(bytes.readInt32BE())],
  [701, (bytes) => floatText(bytes.readDoubleBE())],
  [1083, (bytes) => timeText(Number(bytes.readBigInt64BE()))],
  [1114, (bytes) => momentText(bytes.readBigInt64BE(), '')],
  [1184, (bytes) => momentText(bytes.readBigInt64BE(), '+00')],
  [1700, numericText],
])

/** `real`, and arrays of it and of `integer`: the driver asks for their binary forms too, which are not read here. */
const unread: ReadonlySet<number> = new Set([700, 1007, 1021])

/** Whether the values of a type can be read when the driver has prepared the statement. */
export function isReadPrepared(oid: number): boolean {
  return builtinTypes.has(oid) && !unread.has(oid)
}

/** How the values of a type become text when the driver has prepared the statement; undefined where they are that. */
export function preparedForm(oid: number): ToText | undefined {
  return forms.get(oid)
}

function floatText(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value)
}

const secondMicros = 1_000_000
const dayMicros = 86_400n * 1_000_000n
/** The calendar repeats itself after so many years, which have so many days. */
const cycle = 400
const cycleDays = 146_097

function timeText(micros: number): string {
  const seconds = Math.floor(micros / secondMicros)
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60]
  const fraction = String(micros % secondMicros)
    .padStart(6, '0')
    .replace(/0+$/, '')
  return parts.map((part) => String(part).padStart(2, '0')).join(':') + (fraction === '' ? '' : `.${fraction}`)
}

/** Counted from 2000 on, in microseconds. */
function momentText(micros: bigint, zone: string): string {
  if (micros === 2n ** 63n - 1n) return 'infinity'
  if (micros === -(2n ** 63n)) return '-infinity'
  const time = ((micros % dayMicros) + dayMicros) % dayMicros
  const days = Number((micros - time) / dayMicros)
  const cycles = Math.floor(days / cycleDays)
  const date = new Date(Date.UTC(2000, 0, 1 + days - cycles * cycleDays))
  const year = date.getUTCFullYear() + cycles * cycle
  const day = date.toISOString().slice(4, 10)
  const shown = String(year > 0 ? year : 1 - year).padStart(4, '0')
  return `${shown}${day} ${timeText(Number(time))}${zone}${year > 0 ? '' : ' BC'}`
}

const groupDigits = 4
const signs: ReadonlyMap<number, string> = new Map([
  [0xc000, 'NaN'],
  [0xd000, 'Infinity'],
  [0xf000, '-Infinity'],
])

/** Groups of four digits, the first of which stands for so many times 10000 to the power of the weight. */
function numericText(bytes: Buffer): string {
  const groups = bytes.readInt16BE(0)
  const weight = bytes.readInt16BE(2)
  const sign = bytes.readUInt16BE(4)
  const scale = bytes.readInt16BE(6)
  const special = signs.get(sign)
  if (special !== undefined) return special
  const group = (index: number): string =>
    String(index >= 0 && index < groups ? bytes.readInt16BE(8 + 2 * index) : 0).padStart(groupDigits, '0')
  let whole = ''
  for (let index = 0; index <= weight; index++) whole += group(index)
  let fraction = ''
  for (let index = weight + 1; fraction.length < scale; index++) fraction += group(index)
  const digits = whole.replace(/^0+(?=\d)/, '') || '0'
  return `${sign === 0 ? '' : '-'}${digits}${scale > 0 ? `.${fraction.slice(0, scale)}` : ''}`
}
