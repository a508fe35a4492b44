import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { contains, formatAddress, parseAddress, parseNetwork } from '../../src/lib/ip-address.ts'
import { ipv4, ipv6 } from './spelling.ts'

describe('an address', () => {
  test('is written as URLs write it, and read back', () => {
    fc.assert(
      fc.property(fc.oneof(ipv4, ipv6), (text) => {
        const address = parseAddress(text)
        expect(address === undefined ? undefined : formatAddress(address)).toBe(text)
      }),
    )
  })

  test('of eight random groups is read and written as the URL parser does it', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 2n ** 128n - 1n), (number) => {
        const text = formatAddress({ bits: 128, value: number })
        expect(new URL(`http://[${text}]/`).hostname).toBe(`[${text}]`)
        expect(parseAddress(text)?.value).toBe(number)
      }),
    )
  })

  test('is refused wherever the URL parser refuses it', () => {
    const piece = fc.constantFrom('0', '1', 'ffff', 'fffff', ':', ':', ':', '::', '.', 'g', '%', '')
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const text = pieces.join('')
        const address = text.includes(':') ? parseAddress(text) : undefined
        if (address !== undefined) expect(new URL(`http://[${text}]/`).hostname).toBe(`[${formatAddress(address)}]`)
      }),
      { numRuns: 5000 },
    )
  })

  test('may end in an IPv4 address, and nothing else of it may', () => {
    for (const text of [
      '::1.2.3.4',
      '1:2:3:4::1.2.3.4',
      '1:2:3:4:5::1.2.3.4',
      '1:2:3:4:5:6:1.2.3.4',
      '::ffff:1.2.3.4',
    ]) {
      expect(parseAddress(text)).toEqual(parseAddress(text.replace('1.2.3.4', '102:304')))
    }
    for (const text of [
      '1.2.3.4::',
      '1.2.3.4::1',
      '::1.2.3.4:1',
      '1:2:3:4:5:6:7:1.2.3.4',
      '1:2:3:4:5:1.2.3.4',
      '::1.2.3',
      '::1.2.3.04',
    ]) {
      expect(parseAddress(text)).toBeUndefined()
    }
  })

  test.each([
    '1:2:3:4::5:6:7:8',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1::2::3',
    ':::',
    '1:',
    ':1',
    '::12345',
    '::g',
    '::1%1',
    '[::1]',
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.256',
    '01.2.3.4',
    '1.2.3.4.',
    ' 1.2.3.4',
    '',
  ])('is not %p', (text) => {
    expect(parseAddress(text)).toBeUndefined()
  })
})

describe('a network', () => {
  test.each([
    ['10.0.0.0/8', ['10.0.0.0', '10.255.255.255'], ['9.255.255.255', '11.0.0.0', '::ffff:10.0.0.1', '::10.0.0.1']],
    ['10.0.0.1', ['10.0.0.1'], ['10.0.0.0', '10.0.0.2']],
    ['10.0.0.1/32', ['10.0.0.1'], ['10.0.0.0', '10.0.0.2']],
    ['0.0.0.0/0', ['0.0.0.0', '255.255.255.255'], ['::', '::1']],
    ['fd00::/8', ['fd00::', 'fdff:ffff::1'], ['fc00::', 'fe00::', '10.0.0.1']],
    ['::1', ['::1'], ['::', '::2', '0.0.0.1']],
    ['::/0', ['::', 'ffff::'], ['0.0.0.0']],
  ])('%p holds %p and not %p', (text, inside, outside) => {
    const network = parseNetwork(text)
    const held = (address: string): boolean => {
      const parsed = parseAddress(address)
      return network !== undefined && parsed !== undefined && contains(network, parsed)
    }
    expect(inside.filter(held)).toEqual(inside)
    expect(outside.filter(held)).toEqual([])
  })

  test.each([
    '',
    '/8',
    '10.0.0.0/',
    '10.0.0.0/33',
    '::/129',
    '10.0.0.0/-1',
    '10.0.0.0/08',
    '10.0.0.0/8/8',
    '10.0.0.1/8',
    'fd00::1/8',
    '10/8',
    'a/8',
    '::1%1/128',
    '10.0.0.0/255.0.0.0',
  ])('is not %p', (text) => {
    expect(parseNetwork(text)).toBeUndefined()
  })
})
