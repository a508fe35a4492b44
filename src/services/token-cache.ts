/** Tokens that were issued, until they expire. */
import { createHash } from 'node:crypto'
import { BoundedMap } from '../lib/bounded-map.ts'
import type { Clock } from '../lib/clock.ts'
import { learnedInAll, learnedPerTenant } from './secrets/known-secrets.ts'

/** Whose token, from where. */
export interface TokenRequest {
  readonly tenantId: string
  readonly url: URL
  readonly clientId: string
  readonly clientSecret: string
  readonly scope?: string | undefined
  /** The client id or secret is one of the configured secrets, so that the token is masked as they are. */
  readonly isConfidential: boolean
}

interface Remembered {
  readonly value: string
  /** In monotonic milliseconds. */
  readonly untilMs: number
}

type OfTenant = BoundedMap<string, Remembered>

/**
 * Forgets by the same bounds and in the same order as the masks of tenants do, so that no token is used that is not
 * masked. Those of confidential clients lie apart for that reason.
 */
export class TokenCache {
  readonly #tenants: BoundedMap<string, OfTenant>
  readonly #clock: Clock

  constructor(clock: Clock) {
    this.#clock = clock
    this.#tenants = new BoundedMap(learnedInAll, clock)
  }

  /** Undefined when none is known that is still good. */
  get(request: TokenRequest): string | undefined {
    const tokens = this.#tenants.get(tenantKey(request))
    const known = tokens?.get(tokenKey(request))
    if (tokens === undefined || known === undefined || known.untilMs <= this.#clock.monotonic()) return undefined
    this.#keep(request, tokens, known)
    return known.value
  }

  set(request: TokenRequest, value: string, lifeMs: number): void {
    const tokens: OfTenant = this.#tenants.get(tenantKey(request)) ?? new BoundedMap(learnedPerTenant, this.#clock)
    this.#keep(request, tokens, { value, untilMs: this.#clock.monotonic() + lifeMs })
  }

  /** Forgets this token, if it is the one that is known. */
  drop(request: TokenRequest, value: string): void {
    const tokens = this.#tenants.get(tenantKey(request))
    if (tokens?.get(tokenKey(request))?.value === value) tokens.delete(tokenKey(request))
  }

  /** As the newest. */
  #keep(request: TokenRequest, tokens: OfTenant, token: Remembered): void {
    tokens.set(tokenKey(request), token, token.value.length)
    this.#tenants.set(tenantKey(request), tokens, tokens.size)
  }
}

/** Tells requests apart that may get different tokens. */
export function requestKey(request: TokenRequest): string {
  return JSON.stringify([tenantKey(request), tokenKey(request)])
}

function tenantKey({ tenantId, isConfidential }: TokenRequest): string {
  return JSON.stringify([tenantId, isConfidential])
}

/** The secret itself is not kept: a digest tells as well whether it is another one. */
function tokenKey({ url, clientId, clientSecret, scope = '' }: TokenRequest): string {
  const digest = createHash('sha256').update(clientSecret).digest('hex')
  return JSON.stringify([url.href, clientId, digest, scope])
}
