/**
 * Which addresses are not ordinary places on the public internet.
 *
 * Sources: the IANA IPv4 Special-Purpose Address Registry and the IANA IPv6 Special-Purpose Address Registry (RFC 6890,
 * RFC 8190; state of October 2025), their column "Globally Reachable"; blocks where it reads "N/A" count as not
 * reachable. Multicast is from RFC 1112 and RFC 4291, the limits of IPv6 unicast from the IANA IPv6 Address Space registry.
 * Stricter than the registries: every form that carries an IPv4 address inside IPv6 is refused, since what stands
 * inside may be private and who translates it is not known.
 */
import { contains, type IpAddress, type IpNetwork, parseAddress, parseNetwork } from './ip-address.ts'

/** Prefix, name in the registry, the RFC it comes from. */
type Row = readonly [network: string, name: string, source: string]

const refused: readonly Row[] = [
  ['0.0.0.0/8', 'This network', 'RFC 791'],
  ['0.0.0.0/32', 'This host on this network', 'RFC 1122'],
  ['10.0.0.0/8', 'Private-Use', 'RFC 1918'],
  ['100.64.0.0/10', 'Shared Address Space', 'RFC 6598'],
  ['127.0.0.0/8', 'Loopback', 'RFC 1122'],
  // Its own, although the registry has no word on it: Azure's machines find the agent of their host there.
  ['168.63.129.16/32', 'Azure platform', 'Microsoft, "What is IP address 168.63.129.16?"'],
  ['169.254.0.0/16', 'Link Local', 'RFC 3927'],
  ['172.16.0.0/12', 'Private-Use', 'RFC 1918'],
  ['192.0.0.0/24', 'IETF Protocol Assignments', 'RFC 6890'],
  ['192.0.0.0/29', 'IPv4 Service Continuity Prefix', 'RFC 7335'],
  ['192.0.0.8/32', 'IPv4 dummy address', 'RFC 7600'],
  ['192.0.0.170/32', 'NAT64/DNS64 Discovery', 'RFC 7050'],
  ['192.0.0.171/32', 'NAT64/DNS64 Discovery', 'RFC 7050'],
  ['192.0.2.0/24', 'Documentation (TEST-NET-1)', 'RFC 5737'],
  ['192.88.99.0/24', 'Deprecated (6to4 Relay Anycast)', 'RFC 7526'],
  ['192.88.99.2/32', '6a44-relay anycast address', 'RFC 6751'],
  ['192.168.0.0/16', 'Private-Use', 'RFC 1918'],
  ['198.18.0.0/15', 'Benchmarking', 'RFC 2544'],
  ['198.51.100.0/24', 'Documentation (TEST-NET-2)', 'RFC 5737'],
  ['203.0.113.0/24', 'Documentation (TEST-NET-3)', 'RFC 5737'],
  ['224.0.0.0/4', 'Multicast', 'RFC 1112'],
  ['240.0.0.0/4', 'Reserved', 'RFC 1112'],
  ['255.255.255.255/32', 'Limited Broadcast', 'RFC 8190'],

  ['::/0', 'Not Global Unicast', 'RFC 4291'],
  ['::/96', 'Deprecated (IPv4-compatible Address)', 'RFC 4291'],
  ['::/128', 'Unspecified Address', 'RFC 4291'],
  ['::1/128', 'Loopback Address', 'RFC 4291'],
  ['::ffff:0:0/96', 'IPv4-mapped Address', 'RFC 4291'],
  ['64:ff9b::/96', 'IPv4-IPv6 Translat.', 'RFC 6052'],
  ['64:ff9b:1::/48', 'IPv4-IPv6 Translat.', 'RFC 8215'],
  ['100::/64', 'Discard-Only Address Block', 'RFC 6666'],
  ['100:0:0:1::/64', 'Dummy IPv6 Prefix', 'RFC 9780'],
  ['2001::/23', 'IETF Protocol Assignments', 'RFC 2928'],
  ['2001::/32', 'TEREDO', 'RFC 4380'],
  ['2001:2::/48', 'Benchmarking', 'RFC 5180'],
  ['2001:10::/28', 'Deprecated (previously ORCHID)', 'RFC 4843'],
  ['2001:db8::/32', 'Documentation', 'RFC 3849'],
  ['2002::/16', '6to4', 'RFC 3056'],
  ['3fff::/20', 'Documentation', 'RFC 9637'],
  ['5f00::/16', 'Segment Routing (SRv6) SIDs', 'RFC 9602'],
  ['fc00::/7', 'Unique-Local', 'RFC 4193'],
  ['fe80::/10', 'Link-Local Unicast', 'RFC 4291'],
  ['fec0::/10', 'Deprecated (Site-Local Unicast)', 'RFC 3879'],
  ['ff00::/8', 'Multicast', 'RFC 4291'],
]

/** What the registries call globally reachable although it lies within a block above, or beside them in the table. */
const reachable: readonly Row[] = [
  ['192.0.0.9/32', 'Port Control Protocol Anycast', 'RFC 7723'],
  ['192.0.0.10/32', 'Traversal Using Relays around NAT Anycast', 'RFC 8155'],
  ['192.31.196.0/24', 'AS112-v4', 'RFC 7535'],
  ['192.52.193.0/24', 'AMT', 'RFC 7450'],
  ['192.175.48.0/24', 'Direct Delegation AS112 Service', 'RFC 7534'],

  ['2000::/3', 'Global Unicast', 'RFC 4291'],
  ['2001:1::1/128', 'Port Control Protocol Anycast', 'RFC 7723'],
  ['2001:1::2/128', 'Traversal Using Relays around NAT Anycast', 'RFC 8155'],
  ['2001:1::3/128', 'DNS-SD Service Registration Protocol Anycast', 'RFC 9665'],
  ['2001:3::/32', 'AMT', 'RFC 7450'],
  ['2001:4:112::/48', 'AS112-v6', 'RFC 7535'],
  ['2001:20::/28', 'ORCHIDv2', 'RFC 7343'],
  ['2001:30::/28', 'Drone Remote ID Protocol Entity Tags (DETs) Prefix', 'RFC 9374'],
  ['2620:4f:8000::/48', 'Direct Delegation AS112 Service', 'RFC 7534'],
]

interface Block {
  readonly network: IpNetwork
  /** Undefined where it is let through. */
  readonly refusal: string | undefined
}

/** Longest prefix first: the narrowest block that holds an address decides. */
const blocks: readonly Block[] = [
  ...refused.map(([text, name]) => ({ network: networkOf(text), refusal: name })),
  ...reachable.map(([text]) => ({ network: networkOf(text), refusal: undefined })),
].sort((one, other) => other.network.prefix - one.network.prefix)

/** The name of the block that makes an address no ordinary place on the public internet; undefined when it is one. */
export function specialRangeOf(address: IpAddress): string | undefined {
  return blocks.find(({ network }) => contains(network, address))?.refusal
}

/** The same for a text; what is no plain address, one with a zone (`fe80::1%eth0`) included, is `Not an address`. */
export function specialRange(address: string): string | undefined {
  const parsed = parseAddress(address)
  return parsed === undefined ? 'Not an address' : specialRangeOf(parsed)
}

function networkOf(text: string): IpNetwork {
  const network = parseNetwork(text)
  if (network === undefined) throw new RangeError(`Not a network: ${text}`)
  return network
}
