/**
 * Where this process may send anything: one policy for every kind of request that a job can cause.
 *
 * In this order: EGRESS_DENY_CIDRS refuses always. EGRESS_ONLY_HOSTS refuses every host it does not name, addresses
 * too. What is not an ordinary public address (`special-addresses.ts`) is refused unless EGRESS_ALLOW_HOSTS names the
 * host or EGRESS_ALLOW_CIDRS holds the address; a host that stands in EGRESS_ONLY_HOSTS alone is not exempt from this.
 * A range of IPv4 addresses says nothing about the IPv4-mapped forms of them: those stay refused unless an IPv6 range
 * of their own is allowed.
 *
 * Names are decided by their addresses, whatever they end in. Only `localhost` and what is below it, which no resolver
 * should be asked about, is refused by name as well, unless the host or a loopback address is allowed.
 */
import { JobError } from '../errors.ts'
import { canonicalHost, HostPatterns } from './host-pattern.ts'
import { contains, formatAddress, type IpAddress, type IpNetwork, parseAddress, parseNetwork } from './ip-address.ts'
import { specialRangeOf } from './special-addresses.ts'

/** Finds the addresses of a name, all of them. Rejects when there are none. */
export type Resolve = (host: string, signal: AbortSignal) => Promise<readonly string[]>

/** The settings; host patterns and ranges as `host-pattern.ts` and `ip-address.ts` read them. */
export interface EgressRules {
  readonly allowHosts: readonly string[]
  readonly allowCidrs: readonly string[]
  readonly denyCidrs: readonly string[]
  /** Undefined: anything public. An empty list: nothing. */
  readonly onlyHosts?: readonly string[] | undefined
}

/** Where a connection is to go. */
export interface Destination {
  /** Canonical: lower case, no brackets, no trailing dot. */
  readonly host: string
  readonly port: number
  /** Whether the host is an address literal. */
  readonly isAddress: boolean
}

interface Refusal {
  /** A fixed word. */
  readonly rule: string
  readonly message: string
  /** The setting that decides it. */
  readonly setting?: string
}

const refusals = {
  scheme: { rule: 'scheme', message: 'Only http and https may be requested' },
  userinfo: { rule: 'userinfo', message: 'A URL may not hold a user name or password, use auth for them' },
  host: { rule: 'host', message: 'The host is neither a name nor an address' },
  port: { rule: 'port', message: 'The port is not one that can be reached' },
  denied: {
    rule: 'denied_address',
    message: 'The address of the host is refused here',
    setting: 'EGRESS_DENY_CIDRS',
  },
  notListed: {
    rule: 'host_not_listed',
    message: 'The host is not one of those that may be reached from here',
    setting: 'EGRESS_ONLY_HOSTS',
  },
  localhost: {
    rule: 'localhost',
    message: 'The host name means the machine itself',
    setting: 'EGRESS_ALLOW_HOSTS',
  },
  special: {
    rule: 'special_address',
    message: 'The address of the host is not a public one',
    setting: 'EGRESS_ALLOW_CIDRS',
  },
  noAddress: { rule: 'no_address', message: 'The host has no address that can be used' },
} as const satisfies Record<string, Refusal>

const loopback = ['127.0.0.1', '::1'].map(parseAddress).filter((address) => address !== undefined)

/** Decisions that are remembered, of each kind: making one costs more than most of what else a request costs. */
const mostRemembered = 1000

/** More of a host than any name has is of no use to who reads the refusal. */
const longestHost = 253

/**
 * Decides about destinations. Every refusal is a PERMISSION_DENIED, certainly unsent, with the `rule` and the `host` in
 * its details, and where they apply the deciding `setting` and the name of the `range`; never the address of a name,
 * so that nobody can map a network by its refusals.
 */
export class Egress {
  readonly #allowHosts: HostPatterns
  readonly #onlyHosts: HostPatterns | undefined
  readonly #allowed: readonly IpNetwork[]
  readonly #denied: readonly IpNetwork[]
  readonly #isLoopbackAllowed: boolean
  /** The rules never change, so what was admitted once is admitted again. */
  readonly #admitted = new Map<string, Destination>()
  readonly #checked = new Map<string, string>()

  /** Throws a RangeError for what is no host pattern or no range. */
  constructor({ allowHosts, allowCidrs, denyCidrs, onlyHosts }: EgressRules) {
    this.#allowHosts = new HostPatterns(allowHosts)
    this.#onlyHosts = onlyHosts === undefined ? undefined : new HostPatterns(onlyHosts)
    this.#allowed = allowCidrs.map(requiredNetwork)
    this.#denied = denyCidrs.map(requiredNetwork)
    this.#isLoopbackAllowed = loopback.some((address) => holds(this.#allowed, address))
  }

  /** Decides by the URL alone: scheme, user name, host, port, and the address where the host is one. */
  admitUrl(url: URL): Destination {
    const { protocol, hostname, port } = url
    if (protocol !== 'http:' && protocol !== 'https:') throw refused(refusals.scheme, hostname)
    if (url.username !== '' || url.password !== '') throw refused(refusals.userinfo, hostname)
    const defaultPort = protocol === 'https:' ? 443 : 80
    return this.admitHost(hostname, port === '' ? defaultPort : Number(port))
  }

  /** The same for a host and port that stand in no URL; connect to the host that it returns, not to the one given. */
  admitHost(text: string, port: number): Destination {
    return remembered(this.#admitted, `${text}:${port}`, () => this.#admit(text, port))
  }

  #admit(text: string, port: number): Destination {
    const host = canonicalHost(text)
    if (host === undefined) throw refused(refusals.host, text)
    if (!Number.isInteger(port) || port < 1 || port > 65_535) throw refused(refusals.port, host)
    const address = parseAddress(host)
    if (address !== undefined && holds(this.#denied, address)) throw refused(refusals.denied, host)
    if (this.#onlyHosts?.matches(host, port) === false) throw refused(refusals.notListed, host)
    const isExempt = this.#allowHosts.matches(host, port)
    if (address !== undefined) this.#check(address, host, isExempt)
    else if (isLocalhost(host) && !isExempt && !this.#isLoopbackAllowed) throw refused(refusals.localhost, host)
    return { host, port, isAddress: address !== undefined }
  }

  /**
   * Asks for the addresses of the name once and checks every one of them; a single bad one refuses the host. Returns
   * them in the resolver's order, canonical: connect to these, never resolve again. Rejects as the resolver does.
   */
  async addresses(
    { host, port, isAddress }: Destination,
    resolve: Resolve,
    signal: AbortSignal,
  ): Promise<readonly string[]> {
    const found = isAddress ? [host] : await resolve(host, signal)
    if (found.length === 0) throw refused(refusals.noAddress, host)
    const isExempt = this.#allowHosts.matches(host, port)
    const checked = (text: string): string => {
      const address = parseAddress(text)
      if (address === undefined) throw refused(refusals.noAddress, host)
      this.#check(address, host, isExempt)
      return formatAddress(address)
    }
    return found.map((text) => remembered(this.#checked, `${isExempt} ${text}`, () => checked(text)))
  }

  #check(address: IpAddress, host: string, isExempt: boolean): void {
    if (holds(this.#denied, address)) throw refused(refusals.denied, host)
    if (isExempt || holds(this.#allowed, address)) return
    const range = specialRangeOf(address)
    if (range !== undefined) throw refused(refusals.special, host, range)
  }
}

function remembered<T>(known: Map<string, T>, key: string, decide: () => T): T {
  const before = known.get(key)
  if (before !== undefined) return before
  const decision = decide()
  if (known.size >= mostRemembered) known.clear()
  known.set(key, decision)
  return decision
}

function isLocalhost(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost')
}

function holds(networks: readonly IpNetwork[], address: IpAddress): boolean {
  return networks.some((network) => contains(network, address))
}

function requiredNetwork(text: string): IpNetwork {
  const network = parseNetwork(text)
  if (network === undefined) throw new RangeError(`Not a range of addresses: ${text}`)
  return network
}

function refused({ rule, message, setting }: Refusal, host: string, range?: string): JobError {
  const details = {
    rule,
    ...(host !== '' && { host: host.slice(0, longestHost) }),
    ...(range !== undefined && { range }),
    ...(setting !== undefined && { setting }),
  }
  return new JobError('PERMISSION_DENIED', message, { details, unsent: true })
}
