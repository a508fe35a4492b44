/** JSON without parsing it: however deeply it is nested, and with everything else kept as it was written. */

const quote = 0x22
const backslash = 0x5c

/** Replaces strings (keys included) and numbers, each as it stands in the text; the same text when none is changed. */
export function mapTokens(json: string, map: (token: string) => string): string {
  let result = ''
  let copied = 0
  for (let at = 0; at < json.length; ) {
    const end = tokenEnd(json, at)
    const token = json.slice(at, end)
    const other = token === '' ? '' : map(token)
    if (other !== token) {
      result += json.slice(copied, at) + other
      copied = end
    }
    at = Math.max(end, at + 1)
  }
  return copied === 0 ? json : result + json.slice(copied)
}

/** Where the token that begins at `start` ends; `start` when none begins there. */
function tokenEnd(json: string, start: number): number {
  const code = json.charCodeAt(start)
  if (code === quote) return stringEnd(json, start)
  return startsNumber(code) ? numberEnd(json, start) : start
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
