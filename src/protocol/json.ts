/** JSON as it travels: strict UTF-8 in, strings that are valid Unicode out. */

/** What a JSON object parses to. Keys are the caller's: never look one up that the caller chose without Object.hasOwn. */
export type JsonObject = Readonly<Record<string, unknown>>

/** Whether a parsed value is an object, not null and not an array. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const decoder = new TextDecoder('utf-8', { fatal: true })
const encoder = new TextEncoder()

/** Parses one message. Throws when the bytes are not UTF-8 or not JSON. */
export function parseJson(body: Uint8Array): unknown {
  return JSON.parse(decoder.decode(body))
}

/** The same; undefined when it is no JSON. */
export function readJson(body: Uint8Array): unknown {
  try {
    return parseJson(body)
  } catch {
    return undefined
  }
}

/** A text as UTF-8. */
export function encodeText(text: string): Uint8Array {
  return encoder.encode(text)
}

/**
 * A value as JSON text; undefined when JSON leaves it out (undefined, a function). Throws on what JSON cannot hold
 * (BigInt, a cycle). Half a surrogate pair becomes U+FFFD: written as an escape it is JSON that strict readers refuse.
 */
export function jsonText(value: unknown): string | undefined {
  // The types of JSON.stringify leave out that it may return undefined.
  const text: string | undefined = JSON.stringify(value)
  return text?.includes('\\ud') ? text.replace(/\\\\|\\ud[89a-f][0-9a-f]{2}/g, replaceHalfPair) : text
}

/** An object of strings, numbers and the like, all of our own making, as JSON text. */
export function objectText(value: JsonObject): string {
  return jsonText(value) ?? '{}'
}

// An escaped backslash is matched first, so that the letters after it are not taken for an escape.
function replaceHalfPair(match: string): string {
  return match === '\\\\' ? match : '\ufffd'
}

/** Far deeper than any honest message, far from where JSON.stringify runs out of stack. */
const deepest = 1000

/** Whether a value is nested so little that it can safely be written inside another. Its objects must not be cyclic. */
export function isShallow(value: unknown): boolean {
  let level: unknown[] = [value]
  for (let depth = 0; depth < deepest; depth++) {
    level = level.flatMap(childrenOf)
    if (level.length === 0) return true
  }
  return false
}

function childrenOf(value: unknown): unknown[] {
  return typeof value === 'object' && value !== null ? Object.values(value) : []
}
