/** Every secret value that the process has met, and whose results it must not stand in. */
import { BoundedMap } from '../../lib/bounded-map.ts'
import type { Clock } from '../../lib/clock.ts'
import { type Mask, type Masks, SecretMask } from '../../lib/secret-mask.ts'
import { LastingSecrets, LearnedSecrets, type SecretSet } from '../../lib/secret-set.ts'

/** What is kept of what was met at run time for one tenant; characters. A day is the longest that a token is used. */
export const learnedPerTenant = { maxEntries: 64, maxSize: 65_536, maxAgeMs: 24 * 60 * 60 * 1000 }

/** The same for all tenants together: one entry is a tenant. */
export const learnedInAll = { ...learnedPerTenant, maxEntries: 1000, maxSize: 2_000_000 }

/** How many characters a value may have that is met at run time: a shorter one might be any word, a longer one fits no header. */
export const learnedLength = { least: 16, most: 16_384 }

/** Whose a configured secret is: all tenants', those of a list, or nobody's, as it may be sent nowhere. */
export type Users = 'all' | readonly string[]

/** Masks for everybody. */
export class KnownSecrets implements Masks {
  readonly mask: Mask
  readonly #configured = new LastingSecrets()
  readonly #everyones = new LastingSecrets()
  readonly #ofTenants = new Map<string, LastingSecrets>()
  readonly #learned: BoundedMap<string, LearnedSecrets>
  readonly #clock: Clock

  constructor(clock: Clock) {
    this.#clock = clock
    this.#learned = new BoundedMap(learnedInAll, clock)
    this.mask = new SecretMask(() => [this.#configured])
  }

  /** A configured value, never forgotten. */
  add(value: string, users: Users): void {
    this.#configured.add(value)
    if (users === 'all') return this.#everyones.add(value)
    for (const tenantId of users) {
      const own = this.#ofTenants.get(tenantId) ?? new LastingSecrets()
      this.#ofTenants.set(tenantId, own)
      own.add(value)
    }
  }

  /** A value met at run time, such as a token, each time that it is used. Its length must be within `learnedLength`. */
  learn(tenantId: string, value: string): void {
    const learned = this.#learned.get(tenantId) ?? new LearnedSecrets(learnedPerTenant, this.#clock)
    learned.learn(value)
    this.#learned.set(tenantId, learned, learned.size)
  }

  maskFor(tenantId: string): Mask {
    return new SecretMask(() => this.#setsOf(tenantId))
  }

  #setsOf(tenantId: string): readonly SecretSet[] {
    const own = this.#ofTenants.get(tenantId)
    const learned = this.#learned.get(tenantId)
    return [this.#everyones, ...(own === undefined ? [] : [own]), ...(learned === undefined ? [] : [learned])]
  }
}
