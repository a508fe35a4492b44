/** Keeps secrets and personal data out of logs. Pure, bounded, and never throws, whatever it is given. */

const redacted = '[redacted]'

const limits = { depth: 6, entries: 50, nodes: 500, text: 4096 } as const

const sensitiveKey = /password|secret|token|apikey|authorization|cookie|creditcard|ssn/i
// Each starts where a word starts and has bounded runs, so that hostile text costs linear time.
const httpUserinfo = /(?<![a-z0-9+.-])(https?:\/\/)[^\s/?#"'<>]*@/gi
const otherUserinfo = /(?<![a-z0-9+.-])((?!https?:)[a-z][a-z0-9+.-]*:\/\/)(?:(?!,[a-z0-9+.-]{1,20}:\/\/)[^\s"'<>])*@/gi
const bareUserinfo = /(?<![^\s"'<>/,])[^\s:/@"'<>]{1,256}:(?!\/\/)[^\s@"'<>]{1,256}@(?=[\w[])/g
const email = /(?<![\p{L}\p{N}.!#$%&'^`{|}~?_+-])[\p{L}\p{N}.!#$%&'^`{|}~?_+-]+@[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)+/gu
const pair = /((?:password|secret|token|api[_-]?key|authorization|cookie|credit[_-]?card|ssn)[\w-]{0,40}=)[^\s&;,"']+/gi
const scheme = /\b(bearer|basic)\s+[\w.~+/=-]{4,}/gi
const needsLook = /[@=]|bearer|basic/i

/** Whether values under this key are secret: it contains such a word, in any case, with or without separators. */
export function isSensitiveKey(key: string): boolean {
  return sensitiveKey.test(key) || sensitiveKey.test(key.replaceAll(/[^\p{L}\p{N}]/gu, ''))
}

/** A text without the userinfo of URLs, e-mail addresses, bearer tokens and `password=...`; at most 4,096 characters. */
export function redactText(text: string): string {
  const short = text.length > limits.text ? `${text.slice(0, limits.text)}…` : text
  if (!needsLook.test(short)) return short
  return short
    .replace(httpUserinfo, '$1***@')
    .replace(otherUserinfo, '$1***@')
    .replace(bareUserinfo, '***@')
    .replace(email, '***@***.***')
    .replace(scheme, `$1 ${redacted}`)
    .replace(pair, `$1${redacted}`)
}

/** A copy that JSON can hold, without secrets: bounded in depth, breadth and length; cycles and failing getters are named. */
export function redact(value: unknown): unknown {
  return copy(value, 0, { left: limits.nodes, path: new Set() })
}

interface Walk {
  left: number
  readonly path: Set<object>
}

function copy(value: unknown, depth: number, walk: Walk): unknown {
  walk.left -= 1
  if (typeof value === 'string') return redactText(value)
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
  if (value === null || value === undefined || typeof value === 'boolean') return value
  if (typeof value === 'bigint') return String(value)
  return typeof value === 'object' ? copyObject(value, depth, walk) : `[${typeof value}]`
}

function copyObject(value: object, depth: number, walk: Walk): unknown {
  if (walk.path.has(value)) return '[cycle]'
  if (depth >= limits.depth || walk.left <= 0) return '[…]'
  walk.path.add(value)
  try {
    return copyContents(value, depth + 1, walk)
  } catch {
    return unreadable
  } finally {
    walk.path.delete(value)
  }
}

function copyContents(value: object, depth: number, walk: Walk): unknown {
  if (Array.isArray(value)) return copyList(value, depth, walk)
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? '[invalid date]' : value.toISOString()
  if (value instanceof URL) return redactText(value.href)
  if (value instanceof Error)
    return copyKeys(
      errorKeys.filter((key) => key in value),
      value,
      depth,
      walk,
    )
  if (value instanceof Map) return copyMap(value, depth, walk)
  if (value instanceof Set) return copyList([...value], depth, walk)
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `[${value.byteLength} bytes]`
  return copyKeys(Object.keys(value), value, depth, walk)
}

function copyMap(map: ReadonlyMap<unknown, unknown>, depth: number, walk: Walk): unknown {
  const entries = [...map].filter((entry): entry is [string, unknown] => typeof entry[0] === 'string')
  const record = Object.fromEntries(entries)
  return copyKeys(Object.keys(record), record, depth, walk)
}

function copyKeys(keys: readonly string[], from: object, depth: number, walk: Walk): Record<string, unknown> {
  // Defining, not assigning: a key named __proto__ stays a key.
  const result: Record<string, unknown> = {}
  const put = (key: string, value: unknown): void => {
    Object.defineProperty(result, key, { value, enumerable: true, configurable: true, writable: true })
  }
  for (const key of keys.slice(0, limits.entries)) {
    const value = isSensitiveKey(key) ? redacted : copyProperty(key, from, depth, walk)
    put(redactText(key), value)
  }
  if (keys.length > limits.entries) put('…', `${keys.length - limits.entries} more`)
  return result
}

function copyProperty(key: string, from: object, depth: number, walk: Walk): unknown {
  try {
    const value: unknown = Reflect.get(from, key)
    return copy(value, depth, walk)
  } catch {
    return unreadable
  }
}

function copyList(list: readonly unknown[], depth: number, walk: Walk): unknown[] {
  // Array.from fills the holes of a sparse list.
  const items = Array.from(list.slice(0, limits.entries), (item) => copy(item, depth, walk) ?? null)
  return list.length > limits.entries ? [...items, `${list.length - limits.entries} more`] : items
}

const unreadable = '[unreadable]'
const errorKeys = ['name', 'message', 'code', 'cause']
