/** JSON without parsing it: however deeply it is nested, and with everything else kept as it was written. */
import type { Span } from './spans.ts'

const quote = 0x22
const backslash = 0x5c
const colon = 0x3a

/** A string, a number or a key, as it stands in the text. */
export interface JsonToken {
  readonly kind: 'string' | 'number' | 'key'
  readonly text: string
}

/**
 * Replaces the strings, numbers and keys that lie in one of these places, if only in part. The text must be as
 * JSON.stringify writes it, without white space. `places` are in order and do not overlap.
 */
export function mapTokens(json: string, places: readonly Span[], map: (token: JsonToken) => string): string {
  let result = ''
  let copied = 0
  for (const { kind, start, end } of tokensIn(json, places)) {
    const text = json.slice(start, end)
    const other = map({ kind, text })
    if (other === text) continue
    result += json.slice(copied, start) + other
    copied = end
  }
  return copied === 0 ? json : result + json.slice(copied)
}

function* tokensIn(json: string, places: readonly Span[]): Generator<Span & Pick<JsonToken, 'kind'>> {
  let start = 0
  for (const place of places) {
    while (start < place.end) {
      const kind = kindAt(json, start)
      const end = kind === undefined ? start + 1 : tokenEnd(json, start, kind)
      const isKey = kind === 'string' && json.charCodeAt(end) === colon
      if (kind !== undefined && end > place.start) yield { kind: isKey ? 'key' : kind, start, end }
      start = end
    }
  }
}

/** Undefined where no token begins. */
function kindAt(json: string, at: number): 'string' | 'number' | undefined {
  const code = json.charCodeAt(at)
  if (code === quote) return 'string'
  return startsNumber(code) ? 'number' : undefined
}

function tokenEnd(json: string, start: number, kind: 'string' | 'number'): number {
  return kind === 'string' ? stringEnd(json, start) : numberEnd(json, start)
}

function stringEnd(json: string, start: number): number {
  let at = start + 1
  for (; at < json.length; at++) {
    const code = json.charCodeAt(at)
    if (code === backslash) at++
    else if (code === quote) break
  }
  return at + 1
}

function numberEnd(json: string, start: number): number {
  let at = start + 1
  while (at < json.length && continuesNumber(json.charCodeAt(at))) at++
  return at
}

function startsNumber(code: number): boolean {
  return (code >= 0x30 && code <= 0x39) || code === 0x2d
}

/** Also a plus, a dot, an `e` and an `E`. */
function continuesNumber(code: number): boolean {
  return startsNumber(code) || code === 0x2b || code === 0x2e || code === 0x65 || code === 0x45
}
