import { JobError } from '../../errors.ts'
import { BoundedMap } from '../../lib/bounded-map.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Resolve } from '../../lib/egress.ts'
import { abortable } from './abortable.ts'
import { readHosts } from './hosts-file.ts'

const rememberedMs = 5000
const failureRememberedMs = 1000
const maxEntries = 1000

/** Those that nobody answers are under way for five seconds with each name server, whether somebody still waits or not. */
const mostUnderWay = 1000

/** Asks for all addresses of a name. Rejects when there are none, or nobody could tell. */
export type Lookup = (host: string) => Promise<readonly string[]>

/**
 * On Linux the C library's resolver blocks one of the few threads that also write the dead letters, for as long as a
 * name server likes, and cannot be called off. The other systems have one that does not, or no choice.
 */
const backend = process.platform === 'linux' ? 'c-ares' : 'system'

/** What ends so the runtime gives to the C library all the same, when it ends so in lower case. */
const endings = /\.local(host)?$/

/** By the hosts file, then by name servers with the search domains of resolv.conf; both families. */
async function lookupAll(host: string): Promise<readonly string[]> {
  const own = process.platform === 'linux' ? readHosts().get(host.toLowerCase()) : undefined
  if (own !== undefined) return own
  const found = await Bun.dns.lookup(
    host.replace(endings, (ending) => ending.toUpperCase()),
    { backend },
  )
  return found.map(({ address }) => address)
}

/**
 * Resolves names: callers who ask for the same one at once share one look-up, its answer is good for five seconds, a
 * failure for one. Rejects with RESOURCE_UNAVAILABLE, unsent and uncharged, while 1000 look-ups are under way.
 */
export function rememberingResolve(clock: Clock, lookup: Lookup = lookupAll): Resolve {
  const answers = new BoundedMap<string, Promise<readonly string[]>>({ maxEntries, maxAgeMs: rememberedMs }, clock)
  const failures = new BoundedMap<string, Promise<never>>({ maxEntries, maxAgeMs: failureRememberedMs }, clock)
  const underWay = new Map<string, Promise<readonly string[]>>()

  function ask(host: string): Promise<readonly string[]> {
    if (underWay.size >= mostUnderWay) return Promise.reject(isBusy(host))
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

function isBusy(host: string): JobError {
  return new JobError('RESOURCE_UNAVAILABLE', 'Too many host names are being looked up', {
    details: { reason: 'dns_busy', host },
    unsent: true,
    uncharged: true,
  })
}
