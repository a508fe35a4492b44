import type { Resolve } from '../../lib/egress.ts'
import { parseAddress } from '../../lib/ip-address.ts'
import type { Dsn } from '../../lib/postgres-dsn.ts'
import type { Target } from './dial.ts'

/** A database by the operator's word: whatever its host resolves to. `timeoutMs` may be shortened by the DSN. */
export function namedTarget(dsn: Dsn, timeoutMs: number, resolve: Resolve): Target {
  const isAddress = parseAddress(dsn.host) !== undefined
  return {
    dsn,
    timeoutMs: connectLimit(dsn, timeoutMs),
    addresses: async (signal) => (isAddress ? [dsn.host] : await resolve(dsn.host, signal)),
  }
}

/** How long connecting may take, in milliseconds. */
export function connectLimit({ connectTimeoutMs }: Dsn, mostMs: number): number {
  return Math.min(mostMs, connectTimeoutMs ?? mostMs)
}
