import { z } from 'zod'
import { bounded, textUpTo } from './bounded.ts'
import { invalidInput } from './input-error.ts'

/** A text that is a URL. */
export const urlText = textUpTo(8192).refine((text) => URL.canParse(text), { error: 'Not an absolute URL' })

/** The longest URL that is sent, in characters: with its query, each of whose characters may have become nine. */
const longestSent = 65_536

const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()])
const field = z.union([scalar, z.array(scalar)])

/** Names with a value or several, at most so many: of `query`, and of `form`. */
export function fieldsUpTo(most: number) {
  const record = z.record(z.string(), field)
  // Zod would describe each wrong value at length.
  const checked = z.preprocess((given, context) => {
    const wrong = Object.entries(given ?? {}).find(([, value]) => ![value].flat().every(isScalar))
    if (wrong !== undefined)
      context.addIssue({
        code: 'custom',
        path: [wrong[0]],
        message: 'Not a text, number, boolean, null or a list of them',
      })
    return given
  }, record)
  return bounded(checked, { most, what: 'values', count: valuesIn })
}

type Fields = z.output<ReturnType<typeof fieldsUpTo>>

/** One pair for each value; null is left out. */
export function pairsOf(values: Fields): readonly [name: string, value: string][] {
  return Object.entries(values).flatMap(([name, value]) =>
    [value].flat().flatMap((each) => (each === null ? [] : [[name, String(each)] satisfies [string, string]])),
  )
}

/** The URL with pairs behind the query it has, which stays as it is written: it may be signed. */
export function withQuery(url: URL, pairs: readonly (readonly [name: string, value: string])[]): URL {
  if (pairs.length === 0) return url
  const added = pairs.map((pair) => pair.map((text) => encodeURIComponent(text.toWellFormed())).join('=')).join('&')
  const result = new URL(url)
  result.search = url.search === '' ? added : `${url.search}&${added}`
  return result
}

/** Where a request goes: without the fragment, which is not for the server. Throws INVALID_INPUT when it is too long. */
export function requestUrl(text: string, query: Fields = {}): URL {
  const url = new URL(text)
  url.hash = ''
  const result = withQuery(url, pairsOf(query))
  if (result.href.length <= longestSent) return result
  throw invalidInput('query', `The URL with its query is longer than ${longestSent} characters`)
}

/** A list counts by its values, and an empty one by its name. */
function valuesIn(given: unknown): number {
  if (typeof given !== 'object' || given === null) return 0
  return Object.values(given).reduce(
    (sum: number, each) => sum + (Array.isArray(each) ? Math.max(1, each.length) : 1),
    0,
  )
}

function isScalar(value: unknown): boolean {
  return value === null || ['string', 'number', 'boolean'].includes(typeof value)
}
