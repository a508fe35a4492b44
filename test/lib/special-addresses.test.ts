import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { formatAddress, parseAddress } from '../../src/lib/ip-address.ts'
import { specialRange } from '../../src/lib/special-addresses.ts'
import { ipv4 } from './spelling.ts'

/** First and last address of each block, and its name; undefined where the narrower block is let through. */
const blocks: readonly (readonly [first: string, last: string, name: string | undefined])[] = [
  ['0.0.0.1', '0.255.255.255', 'This network'],
  ['10.0.0.0', '10.255.255.255', 'Private-Use'],
  ['100.64.0.0', '100.127.255.255', 'Shared Address Space'],
  ['127.0.0.0', '127.255.255.255', 'Loopback'],
  ['168.63.129.16', '168.63.129.16', 'Azure platform'],
  ['169.254.0.0', '169.254.255.255', 'Link Local'],
  ['172.16.0.0', '172.31.255.255', 'Private-Use'],
  ['192.0.0.0', '192.0.0.7', 'IPv4 Service Continuity Prefix'],
  ['192.0.0.9', '192.0.0.10', undefined],
  ['192.0.0.11', '192.0.0.169', 'IETF Protocol Assignments'],
  ['192.0.0.170', '192.0.0.171', 'NAT64/DNS64 Discovery'],
  ['192.0.0.172', '192.0.0.255', 'IETF Protocol Assignments'],
  ['192.0.2.0', '192.0.2.255', 'Documentation (TEST-NET-1)'],
  ['192.88.99.3', '192.88.99.255', 'Deprecated (6to4 Relay Anycast)'],
  ['192.168.0.0', '192.168.255.255', 'Private-Use'],
  ['198.18.0.0', '198.19.255.255', 'Benchmarking'],
  ['198.51.100.0', '198.51.100.255', 'Documentation (TEST-NET-2)'],
  ['203.0.113.0', '203.0.113.255', 'Documentation (TEST-NET-3)'],
  ['224.0.0.0', '239.255.255.255', 'Multicast'],
  ['240.0.0.0', '255.255.255.254', 'Reserved'],
  ['::2', '::ffff:ffff', 'Deprecated (IPv4-compatible Address)'],
  ['::1:0:0', '::fffe:ffff:ffff', 'Not Global Unicast'],
  ['::ffff:0:0', '::ffff:ffff:ffff', 'IPv4-mapped Address'],
  ['64:ff9b::', '64:ff9b::ffff:ffff', 'IPv4-IPv6 Translat.'],
  ['64:ff9b:1::', '64:ff9b:1:ffff:ffff:ffff:ffff:ffff', 'IPv4-IPv6 Translat.'],
  ['100::', '100::ffff:ffff:ffff:ffff', 'Discard-Only Address Block'],
  ['100:0:0:1::', '100:0:0:1:ffff:ffff:ffff:ffff', 'Dummy IPv6 Prefix'],
  ['2001::', '2001:0:ffff:ffff:ffff:ffff:ffff:ffff', 'TEREDO'],
  ['2001:1::1', '2001:1::3', undefined],
  ['2001:1::4', '2001:1:ffff:ffff:ffff:ffff:ffff:ffff', 'IETF Protocol Assignments'],
  ['2001:2::', '2001:2:0:ffff:ffff:ffff:ffff:ffff', 'Benchmarking'],
  ['2001:3::', '2001:3:ffff:ffff:ffff:ffff:ffff:ffff', undefined],
  ['2001:4:112::', '2001:4:112:ffff:ffff:ffff:ffff:ffff', undefined],
  ['2001:4:113::', '2001:f:ffff:ffff:ffff:ffff:ffff:ffff', 'IETF Protocol Assignments'],
  ['2001:10::', '2001:1f:ffff:ffff:ffff:ffff:ffff:ffff', 'Deprecated (previously ORCHID)'],
  ['2001:20::', '2001:3f:ffff:ffff:ffff:ffff:ffff:ffff', undefined],
  ['2001:40::', '2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff', 'IETF Protocol Assignments'],
  ['2001:db8::', '2001:db8:ffff:ffff:ffff:ffff:ffff:ffff', 'Documentation'],
  ['2002::', '2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff', '6to4'],
  ['3fff::', '3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff', 'Documentation'],
  ['4000::', '5eff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'Not Global Unicast'],
  ['5f00::', '5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'Segment Routing (SRv6) SIDs'],
  ['fc00::', 'fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'Unique-Local'],
  ['fe80::', 'febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'Link-Local Unicast'],
  ['fec0::', 'feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'Deprecated (Site-Local Unicast)'],
  ['ff00::', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'Multicast'],
]

/** First and last address of the stretches around the blocks that are ordinary. */
const ordinary: readonly (readonly [first: string, last: string])[] = [
  ['1.0.0.0', '9.255.255.255'],
  ['11.0.0.0', '100.63.255.255'],
  ['100.128.0.0', '126.255.255.255'],
  ['128.0.0.0', '168.63.129.15'],
  ['168.63.129.17', '169.253.255.255'],
  ['169.255.0.0', '172.15.255.255'],
  ['172.32.0.0', '191.255.255.255'],
  ['192.0.1.0', '192.0.1.255'],
  ['192.0.3.0', '192.88.98.255'],
  ['192.88.100.0', '192.167.255.255'],
  ['192.169.0.0', '198.17.255.255'],
  ['198.20.0.0', '198.51.99.255'],
  ['198.51.101.0', '203.0.112.255'],
  ['203.0.114.0', '223.255.255.255'],
  ['2000::', '2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
  ['2001:200::', '2001:db7:ffff:ffff:ffff:ffff:ffff:ffff'],
  ['2001:db9::', '2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
  ['2003::', '3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
  ['3fff:1000::', '3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
]

function value(text: string): bigint {
  return parseAddress(text)?.value ?? -1n
}

/** Any address between the two, the two themselves often. */
function between(first: string, last: string): fc.Arbitrary<string> {
  const bits = first.includes(':') ? 128 : 32
  return fc
    .oneof(fc.constantFrom(value(first), value(last)), fc.bigInt(value(first), value(last)))
    .map((number) => formatAddress({ bits, value: number }))
}

describe('a special range', () => {
  test.each(blocks)('from %p to %p is %p', (first, last, name) => {
    fc.assert(fc.property(between(first, last), (address) => specialRange(address) === name))
  })

  test.each([
    ['0.0.0.0', 'This host on this network'],
    ['192.0.0.8', 'IPv4 dummy address'],
    ['192.88.99.2', '6a44-relay anycast address'],
    ['255.255.255.255', 'Limited Broadcast'],
    ['::', 'Unspecified Address'],
    ['::1', 'Loopback Address'],
    ['2001:1::', 'IETF Protocol Assignments'],
  ])('holds %p alone: %p', (address, name) => {
    expect(specialRange(address)).toBe(name)
  })

  test.each(ordinary)('does not hold what lies from %p to %p', (first, last) => {
    fc.assert(fc.property(between(first, last), (address) => specialRange(address) === undefined))
  })

  test.each([
    '',
    'localhost',
    'fe80::1%eth0',
    '8.8.8.8%1',
    '8.8.8',
    '08.8.8.8',
    '134744072',
    '[::1]',
    ' 8.8.8.8',
    '8.8.8.8/32',
  ])('of %p is that it is no address', (text) => {
    expect(specialRange(text)).toBe('Not an address')
  })

  test('of an IPv4 address inside IPv6 never lets it through', () => {
    fc.assert(
      fc.property(ipv4, fc.constantFrom('::ffff:', '::', '64:ff9b::', '64:ff9b:1::'), (address, before) => {
        expect(specialRange(before + address)).toBeString()
      }),
    )
  })
})
