import { z } from 'zod'

const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()])

/** Names with a value or several: of `query`, and of `form`. */
export const fields = z.record(z.string(), z.union([scalar, z.array(scalar)]))

/** One pair for each value; null is left out. */
export function pairsOf(values: z.infer<typeof fields>): readonly [name: string, value: string][] {
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

/** Where a request goes: without the fragment, which is not for the server. */
export function requestUrl(text: string, query: z.infer<typeof fields> = {}): URL {
  const url = new URL(text)
  url.hash = ''
  return withQuery(url, pairsOf(query))
}
