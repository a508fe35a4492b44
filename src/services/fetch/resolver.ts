import { lookup as systemLookup } from 'node:dns/promises'
import { BoundedMap } from '../../lib/bounded-map.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Resolve } from '../../lib/egress.ts'
import { abortable } from './abortable.ts'

const rememberedMs = 5000
const failureRememberedMs = 1000
const maxEntries = 1000

/** Asks for all addresses of a name. Rejects when there are none, or nobody could tell. */
export type Lookup = (host: string) => Promise<readonly string[]>

/** As the system resolves names, hosts file included, in its order. */
async function lookupAll(host: string): Promise<readonly string[]> {
  const found = await systemLookup(host, { all: true, order: 'verbatim' })
  return found.map(({ address }) => address)
}

/**
 * Resolves names: callers who ask for the same one at once share one look-up, its answer is good for five seconds, a
 * failure for one.
 */
export function rememberingResolve(clock: Clock, lookup: Lookup = lookupAll): Resolve {
  const answers = new BoundedMap<string, Promise<readonly string[]>>({ maxEntries, maxAgeMs: rememberedMs }, clock)
  const failures = new BoundedMap<string, Promise<never>>({ maxEntries, maxAgeMs: failureRememberedMs }, clock)
  const underWay = new Map<string, Promise<readonly string[]>>()

  function ask(host: string): Promise<readonly string[]> {
    const asked = lookup(host)
    underWay.set(host, asked)
    asked
      .then(
        () => answers.set(host, asked),
        (error: unknown) => {
          const failure = Promise.reject(error)
          // Whoever asks next handles it; there may be no one.
          failure.catch(() => undefined)
          failures.set(host, failure)
        },
      )
      .finally(() => underWay.delete(host))
    return asked
  }

  return (host, signal) => abortable(answers.get(host) ?? failures.get(host) ?? underWay.get(host) ?? ask(host), signal)
}
