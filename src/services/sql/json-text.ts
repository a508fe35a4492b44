import { isNestedTooDeeply } from '../../lib/json-nesting.ts'
import { mapTokens } from '../../lib/json-tokens.ts'

/** How many levels of arrays and objects a result puts around a value, at most. */
const levelsAround = 32
/** No text is nested too deeply that is shorter. */
const shortest = 900
/** In what does not match, every number has at most 15 digits and an ordinary exponent, which is what a double has room for. */
const longNumber = /[\d.]{16}|[eE][+-]?\d{3}/
const number = /^-?(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/

/**
 * The value of a JSON text. Numbers that a double would round are strings of their digits. What is nested too deeply for a
 * result, and what is no JSON, stays the text it is.
 */
export function readJson(text: string): unknown {
  if (text.length > shortest && isNestedTooDeeply(Buffer.from('['.repeat(levelsAround) + text))) return text
  try {
    return JSON.parse(longNumber.test(text) ? withoutRounding(text) : text)
  } catch {
    return text
  }
}

function withoutRounding(text: string): string {
  return mapTokens(text, [{ start: 0, end: text.length }], ({ kind, text: token }) =>
    kind === 'number' && isRounded(token) ? `"${token}"` : token,
  )
}

function isRounded(token: string): boolean {
  return decimal(token) !== decimal(String(Number(token)))
}

/** Digits without zeros at either end, and the exponent of the last one: the same for all ways to write a number. */
function decimal(text: string): string {
  const [, whole = '', fraction = '', exponent = '0'] = number.exec(text) ?? []
  const digits = (whole + fraction).replace(/^0+/, '')
  let end = digits.length
  while (digits[end - 1] === '0') end--
  return end === 0 ? '' : `${digits.slice(0, end)}e${Number(exponent) - fraction.length + digits.length - end}`
}
