/** Lists of hosts as people write them: `api.example.com`, `*.example.com:443`, `10.0.0.1`, `[::1]:8080`, `*`. */
import { formatAddress, parseAddress } from './ip-address.ts'

/** What ends or bends a URL's host, so that the text would not be read as one whole host. */
const noHost = /[\s\p{Cc}/?#@\\:%[\]<>^|]/u
const longestName = 253
const name = /^[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*$/
const port = /^[1-9]\d{0,4}$/

/**
 * The one spelling of a host: lower case, punycode, without brackets and trailing dot, addresses as URLs write them
 * (so `0x7f.1` is `127.0.0.1`). Undefined when it is no name that DNS could hold and no address; a zone is refused.
 */
export function canonicalHost(text: string): string | undefined {
  const address = parseAddress(/^\[(.*:.*)\]$/.exec(text)?.[1] ?? text)
  if (address !== undefined) return formatAddress(address)
  if (noHost.test(text)) return undefined
  const host = URL.parse(`http://${text}/`)?.hostname.replace(/\.$/, '')
  return host !== undefined && host.length <= longestName && name.test(host) ? host : undefined
}

/** Whether it is a host, a `*.` with a name (every depth below it, not the name itself) or `*`, each with or without a port. */
export function isHostPattern(text: string): boolean {
  return patternKey(text) !== undefined
}

/** A list of host patterns. */
export class HostPatterns {
  readonly #keys: ReadonlySet<string>

  /** Throws a RangeError for what is no host pattern. */
  constructor(patterns: readonly string[]) {
    this.#keys = new Set(patterns.map(requiredKey))
  }

  /** Whether one of them covers the host, however that is written, at this port. Nothing covers what is no host. */
  matches(host: string, port: number): boolean {
    if (this.#keys.size === 0) return false
    const canonical = canonicalHost(host)
    return (
      canonical !== undefined &&
      covering(canonical).some((covers) => this.#keys.has(key(covers)) || this.#keys.has(key(covers, port)))
    )
  }
}

/** Every host part of a pattern that covers a canonical host. */
function covering(host: string): readonly string[] {
  const labels = host.split('.')
  return [host, ...labels.slice(1).map((_, index) => `*.${labels.slice(index + 1).join('.')}`), '*']
}

function key(host: string, port?: number): string {
  return `${host} ${port ?? '*'}`
}

function requiredKey(pattern: string): string {
  const found = patternKey(pattern)
  if (found === undefined) throw new RangeError(`Not a host pattern: ${pattern}`)
  return found
}

function patternKey(text: string): string | undefined {
  const { hostText, portText } = parts(text)
  if (portText !== undefined && !(port.test(portText) && Number(portText) <= 65_535)) return undefined
  const host = patternHost(hostText)
  return host === undefined ? undefined : key(host, portText === undefined ? undefined : Number(portText))
}

/** Divided at the colon before the port; the colons of an IPv6 address without brackets are its own. */
function parts(text: string): { readonly hostText: string; readonly portText?: string | undefined } {
  const [, hostText, portText] = /^(\[[^\]]*\]|[^:]*)(?::([^:]*))?$/.exec(text) ?? []
  return hostText === undefined ? { hostText: text } : { hostText, portText }
}

function patternHost(text: string): string | undefined {
  if (text === '*') return text
  if (!text.startsWith('*.')) return canonicalHost(text)
  const parent = canonicalHost(text.slice(2))
  return parent === undefined || parseAddress(parent) !== undefined ? undefined : `*.${parent}`
}
