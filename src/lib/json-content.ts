/** JSON that somebody stored: read within the bounds of what this process can take in one go. */
import { jsonShape } from './json-nesting.ts'

/** Beyond it reading takes a large part of a second, and memory many times the text. */
export const mostJsonValues = 200_000

/** The deepest that JSON may be nested. */
export const mostJsonLevels = 1000

/** What is read within some two milliseconds, in bytes: more is read in a turn of its own. */
export const readAtOnce = 100_000

/** The value; or why there is none: it is no JSON in UTF-8, has more than 1,000 levels, or more than 200,000 values. */
type JsonContent = { readonly value: unknown } | 'malformed' | 'deep' | 'wide'

const strictUtf8 = new TextDecoder('utf-8', { fatal: true })

/** Reads JSON in UTF-8; a byte order mark before it is skipped. */
export function readJsonContent(bytes: Uint8Array): JsonContent {
  const shape = jsonShape(bytes, mostJsonValues)
  if (shape !== 'fine') return shape
  try {
    return { value: JSON.parse(strictUtf8.decode(bytes)) as unknown }
  } catch {
    return 'malformed'
  }
}
