/** Which headers a job may set, and what may stand in them. */
import { tooLong } from './bounded.ts'

/** The most characters of a name, of a value, and of all names and values together. */
export const headerLimits = { name: 256, value: 16_384, together: 65_536 } as const

/** They belong to the connection or follow from the body: the program writes them itself. */
const own = new Set([
  'host',
  'content-length',
  'transfer-encoding',
  'connection',
  'keep-alive',
  'upgrade',
  'te',
  'trailer',
  'expect',
])

/** What is wrong with a header's name, in any case; undefined when nothing is. */
export function nameProblem(name: string): string | undefined {
  if (name.length > headerLimits.name) return tooLong(headerLimits.name)
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) return 'Not a name that a header can have'
  const lower = name.toLowerCase()
  return own.has(lower) || lower.startsWith('proxy-') ? 'May not be set: it follows from the request itself' : undefined
}

/** What is wrong with a header's value; undefined when nothing is. */
export function valueProblem(value: string): string | undefined {
  if (value.length > headerLimits.value) return tooLong(headerLimits.value)
  return /^[\t\x20-\x7e\x80-\xff]*$/.test(value)
    ? undefined
    : 'Holds characters that no header can hold, such as line breaks or letters outside of Latin-1'
}

/**
 * Whether a header, by its name in any case, looks like one that carries credentials. Rather too often: all that comes of
 * it is that a redirect to another origin goes without.
 */
export function isCredential(name: string): boolean {
  const lower = name.toLowerCase()
  return lower !== 'idempotency-key' && credential.test(lower)
}

const credential =
  /auth(?!or(?!i))|token|secret|passw|passphrase|cookie|session|credential|signature|jwt|bearer|api[-_.]?key|key$/
