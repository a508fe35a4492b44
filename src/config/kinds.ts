/** The kinds of values that settings have: each says in words what it accepts, and reads the text. */
import { z } from 'zod'
import { isHostPattern } from '../lib/host-pattern.ts'
import { parseNetwork } from '../lib/ip-address.ts'
import { type Dsn, DsnError, parseDsn } from '../lib/postgres-dsn.ts'
import { shortestSecret } from '../lib/secret-set.ts'
import { parseStatusPattern } from '../lib/status-pattern.ts'
import { isSubject } from '../protocol/subjects.ts'
import type { Kind } from './setting.ts'

/** As short as the secret of a link may be, in characters. */
const shortestLinkSecret = 32

const units = {
  size: { B: 1, KB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12, KIB: 2 ** 10, MIB: 2 ** 20, GIB: 2 ** 30, TIB: 2 ** 40 },
  duration: { MS: 1, S: 1000, M: 60_000, H: 3_600_000, D: 86_400_000 },
} as const satisfies Record<string, Record<string, number>>

/** A whole number within a range. */
export function wholeNumber(min: number, max: number): Kind<number> {
  return quantity(`whole number, ${min} to ${max}`, String(min), String(max), (text) =>
    /^\d+$/.test(text) ? Number(text) : undefined,
  )
}

/** A number of bytes: plain, or as `100MB` (10^6) or `1GiB` (2^30). The range is written in the same way. */
export function size(min: string, max: string): Kind<number> {
  return quantity(`size such as 100MB or 1GiB, ${min} to ${max}`, min, max, (text) => inUnits(text, units.size))
}

/** A time in milliseconds: plain, or as `500ms`, `30s`, `5m`, `1h`, `3d`. The range is written in the same way. */
export function duration(min: string, max: string): Kind<number> {
  return quantity(`milliseconds, or a duration such as 30s or 5m, ${min} to ${max}`, min, max, (text) =>
    inUnits(text, units.duration),
  )
}

/** One of a few words. */
export function choice<const T extends string>(...words: readonly T[]): Kind<T> {
  const accepts = words.join(' or ').replaceAll(/ or (?=.* or )/g, ', ')
  return kind(accepts, (text) => words.find((word) => word === text.toLowerCase()))
}

/** A switch. */
export const flag: Kind<boolean> = kind('true or false', (text) => {
  if (/^(true|1|on|yes)$/i.test(text)) return true
  return /^(false|0|off|no)$/i.test(text) ? false : undefined
})

/** A switch of its own words, on or off. */
export const onOrOff: Kind<boolean> = { ...flag, accepts: 'on or off' }

/** A line of text. */
export function text(what: string, maxLength = 4096): Kind<string> {
  return kind(what, (value) => (value.length <= maxLength && !/\p{Cc}/u.test(value) ? value : undefined))
}

/** A secret that travels in a header: visible ASCII. */
export const credential: Kind<string> = kind('text without spaces', (value) =>
  /^[\x21-\x7e]+$/.test(value) ? value : undefined,
)

/** A secret of any kind, long enough to be told from other text. */
export const secretText: Kind<string> = kind(`text of at least ${shortestSecret} characters`, (value) =>
  value.length >= shortestSecret ? value : undefined,
)

/** Secrets that sign links, separated by commas. */
export const linkSecrets: Kind<readonly string[]> = kind(
  `secrets of at least ${shortestLinkSecret} characters, separated by commas`,
  (value) => {
    const list = commaSeparated(value)
    return list.length > 0 && list.every(({ length }) => length >= shortestLinkSecret) ? list : undefined
  },
)

/** An address of the web, without a query or a fragment that would be lost in what is made of it. */
export const webAddress: Kind<string> = kind('URL such as https://example.com/path', (value) => {
  const url = URL.parse(value)
  return url !== null && ['http:', 'https:'].includes(url.protocol) && url.hash === '' ? value : undefined
})

/** A path in the file system. */
export const path: Kind<string> = text('path of a file')

/** Names separated by commas. */
export const names: Kind<readonly string[]> = kind('names separated by commas', (value) => {
  const list = commaSeparated(value)
  return list.length > 0 ? list : undefined
})

/** Hosts separated by commas; none when empty. */
export const hostPatterns: Kind<readonly string[]> = listOf(
  'hosts such as api.example.com, *.example.com or 10.0.0.1:8080, separated by commas; * is any',
  isHostPattern,
)

/** Networks separated by commas; none when empty. */
export const networks: Kind<readonly string[]> = listOf(
  'networks such as 10.0.0.0/8 or fd00::/8, or single addresses, separated by commas',
  (text) => parseNetwork(text) !== undefined,
)

/** Which HTTP statuses are meant, as `lib/status-pattern.ts` reads them. */
export const statusPattern: Kind<string> = kind(
  'statuses such as 2xx, 404 or 400-403, separated by commas, or any',
  (value) => (parseStatusPattern(value) === undefined ? undefined : value),
)

/** Where a PostgreSQL is and how to sign in, by the operator's word. */
export const postgresDsn: Kind<Dsn> = {
  accepts: 'postgres://user:password@host:5432/database',
  schema: z.string().transform((value, context) => {
    try {
      return parseDsn(value, 'named')
    } catch (error) {
      if (!(error instanceof DsnError)) throw error
      context.addIssue({ code: 'custom', message: error.message })
      return z.NEVER
    }
  }),
}

/** A subject of NATS without wildcards. */
export const subject: Kind<string> = kind('subject of letters, digits, dots, hyphens and underscores', (value) =>
  isSubject(value) ? value : undefined,
)

/** A name as NATS takes it for streams and consumers. */
export const natsName: Kind<string> = kind('name without spaces, dots, slashes and wildcards', (value) =>
  /^[^\s.*>/\\\p{C}]{1,255}$/u.test(value) ? value : undefined,
)

/** Addresses of NATS servers, separated by commas; userinfo is allowed, and not shown. */
export const servers: Kind<readonly string[]> = {
  ...kind('addresses such as nats://host:4222, separated by commas, without spaces', (value) => {
    const list = commaSeparated(value)
    return list.length > 0 && list.every(isServer) ? list : undefined
  }),
  shown: (value) =>
    value
      .split(/(?<=,\s*)(?=[a-z][a-z0-9+.-]*:\/\/)/i)
      .map(withoutUserinfo)
      .join(''),
}

/** A text without whatever stands before its last `@`, but for a scheme at its beginning: it may be a password. */
export function withoutUserinfo(value: string): string {
  return value.replace(/^(\s*[a-z][a-z0-9+.-]*:\/\/)?.*@/is, '$1***@')
}

/** Where to listen: `host:port`, `[v6]:port`; port 0 means any that is free. */
export const listenAddress: Kind<{ readonly host: string; readonly port: number }> = kind(
  'host:port or [IPv6 address]:port',
  (value) => {
    const match = /^(?:\[([0-9a-f:.]+(?:%\w+)?)\]|([^\s:[\]/]+)):(\d{1,5})$/i.exec(value)
    const host = match?.[1] ?? match?.[2]
    const port = Number(match?.[3])
    return host !== undefined && port <= 65_535 ? { host, port } : undefined
  },
)

function isServer(address: string): boolean {
  // Nobody means a space, and what stands around one in a password would be read as something else elsewhere.
  if (/\s/.test(address)) return false
  const url = URL.parse(/^[a-z]+:\/\//i.test(address) ? address : `nats://${address}`)
  if (url === null || url.hostname === '') return false
  return (
    ['nats:', 'tls:'].includes(url.protocol) && ['', '/'].includes(url.pathname) && url.search === '' && url.hash === ''
  )
}

function commaSeparated(value: string): readonly string[] {
  const parts = value.split(',').map((part) => part.trim())
  return parts.filter((part) => part !== '')
}

function listOf(accepts: string, isItem: (text: string) => boolean): Kind<readonly string[]> {
  return kind(accepts, (value) => {
    const list = commaSeparated(value)
    return value === '' || (list.length > 0 && list.every(isItem)) ? list : undefined
  })
}

function inUnits(value: string, factors: Readonly<Record<string, number>>): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(value)
  const unit = match?.[2] ?? ''
  const factor = unit === '' ? 1 : factors[unit.toUpperCase()]
  const amount = Number(match?.[1]) * (factor ?? Number.NaN)
  return Number.isSafeInteger(amount) ? amount : undefined
}

function quantity(accepts: string, min: string, max: string, read: (text: string) => number | undefined): Kind<number> {
  const [low, high] = [read(min) ?? 0, read(max) ?? Number.MAX_SAFE_INTEGER]
  return kind(accepts, (value) => {
    const amount = read(value)
    return amount !== undefined && amount >= low && amount <= high ? amount : undefined
  })
}

function kind<T>(accepts: string, read: (text: string) => T | undefined): Kind<T> {
  const schema = z.string().transform((value, context) => {
    const result = read(value)
    if (result === undefined) context.addIssue({ code: 'custom', message: `expected ${accepts}` })
    return result ?? z.NEVER
  })
  return { accepts, schema }
}
