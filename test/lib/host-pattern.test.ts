import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { canonicalHost, HostPatterns, isHostPattern } from '../../src/lib/host-pattern.ts'
import { ipv4, ipv6, spellings } from './spelling.ts'

function matches(pattern: string, host: string, port = 443): boolean {
  expect(isHostPattern(pattern)).toBe(true)
  return new HostPatterns([pattern]).matches(host, port)
}

describe('a canonical host', () => {
  test.each([
    ['Example.COM', 'example.com'],
    ['example.com.', 'example.com'],
    ['bücher.example', 'xn--bcher-kva.example'],
    ['ＥＸＡＭＰＬＥ。com', 'example.com'],
    ['my_service', 'my_service'],
    ['127.1', '127.0.0.1'],
    ['0x7f000001', '127.0.0.1'],
    ['127.0.0.1.', '127.0.0.1'],
    ['::1', '::1'],
    ['[0:0:0:0:0:0:0:1]', '::1'],
    ['::FFFF:127.0.0.1', '::ffff:7f00:1'],
    ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
  ])('of %p is %p', (text, host) => {
    expect(canonicalHost(text)).toBe(host)
  })

  test.each([
    '',
    '.',
    'a..b',
    '.a',
    'a..',
    'a b',
    'a/b',
    'a@b',
    'a:80',
    'a?b',
    'a#b',
    'a\\b',
    'a%2eb',
    'a\nb',
    '\ta',
    '*',
    '*.a',
    'a,b',
    '1.2.3.4.5',
    '256.1.1.1',
    '[::1',
    '[a]',
    '[127.0.0.1]',
    '::1%lo',
    'fe80::1%25eth0',
    'a'.repeat(64),
    `${'a.'.repeat(126)}com`,
  ])('is not to be had of %p', (text) => {
    expect(canonicalHost(text)).toBeUndefined()
  })

  test('is its own canonical host, and the same for every spelling of an address', () => {
    const written = fc.oneof(ipv4, ipv6).chain((plain) => fc.tuple(fc.constant(plain), spellings(plain)))
    fc.assert(
      fc.property(written, ([plain, spelling]) => {
        expect(canonicalHost(plain)).toBe(plain)
        if (!spelling.includes('%')) expect(canonicalHost(spelling)).toBe(plain)
      }),
    )
    fc.assert(
      fc.property(fc.oneof(fc.webAuthority(), fc.domain(), fc.string()), (text) => {
        const host = canonicalHost(text)
        if (host !== undefined) expect(canonicalHost(host)).toBe(host)
      }),
    )
  })
})

describe('a host pattern', () => {
  test('matches its host in any case, with a trailing dot, in Unicode', () => {
    expect(matches('API.example.com', 'api.Example.com.')).toBe(true)
    expect(matches('api.example.com.', 'api.example.com')).toBe(true)
    expect(matches('bücher.example', 'xn--bcher-kva.example')).toBe(true)
    expect(matches('xn--bcher-kva.example', 'BÜCHER.example')).toBe(true)
    expect(matches('api.example.com', 'xapi.example.com')).toBe(false)
    expect(matches('api.example.com', 'api.example.com.evil.test')).toBe(false)
    expect(matches('api.example.com', 'v1.api.example.com')).toBe(false)
  })

  test('with a star matches every depth below, not the name itself', () => {
    expect(matches('*.example.com', 'a.example.com')).toBe(true)
    expect(matches('*.Example.com', 'a.b.c.EXAMPLE.com.')).toBe(true)
    expect(matches('*.example.com', 'example.com')).toBe(false)
    expect(matches('*.example.com', 'badexample.com')).toBe(false)
    expect(matches('*.example.com', '.example.com')).toBe(false)
    expect(matches('*.com', 'example.com')).toBe(true)
  })

  test('that is a star matches everything that is a host', () => {
    for (const host of ['example.com', 'localhost', '10.0.0.1', '::1', '[::1]']) expect(matches('*', host)).toBe(true)
    for (const host of ['', 'a b', 'fe80::1%eth0']) expect(matches('*', host)).toBe(false)
  })

  test('that is an address matches it however either is written, and nothing across the families', () => {
    expect(matches('127.0.0.1', '0x7f.1')).toBe(true)
    expect(matches('0177.1', '127.0.0.1')).toBe(true)
    expect(matches('[::1]', '0:0::1')).toBe(true)
    expect(matches('0:0::1', '[::1]')).toBe(true)
    expect(matches('127.0.0.1', '::ffff:127.0.0.1')).toBe(false)
    expect(matches('127.0.0.1', '127.0.0.2')).toBe(false)
  })

  test('with a port matches at this port only', () => {
    expect(matches('example.com:8443', 'example.com', 8443)).toBe(true)
    expect(matches('example.com:8443', 'example.com', 443)).toBe(false)
    expect(matches('*.example.com:1', 'a.example.com', 1)).toBe(true)
    expect(matches('*.example.com:1', 'a.example.com', 2)).toBe(false)
    expect(matches('*:65535', '::1', 65_535)).toBe(true)
    expect(matches('*:65535', '::1', 80)).toBe(false)
    expect(matches('[::1]:80', '::1', 80)).toBe(true)
    expect(matches('[::1]:80', '::1', 81)).toBe(false)
    expect(matches('127.0.0.1:80', '127.1', 80)).toBe(true)
    expect(matches('::1:80', '::1', 80)).toBe(false)
    expect(matches('::1:80', '::1:80', 1)).toBe(true)
  })

  test.each([
    '',
    ' ',
    'a b',
    'a..b',
    '**',
    '*a',
    'a*',
    'a.*',
    '*.',
    '*.*',
    '*.*.com',
    'a.*.com',
    '*.127.0.0.1',
    '*.1',
    '*.[::1]',
    '*.::1',
    'a:',
    'a:0',
    'a:080',
    'a:65536',
    'a:x',
    'a:-1',
    'a:80:80',
    ':80',
    '*:',
    '[::1]:',
    '[::1]:0',
    '[::1]80',
    '[::1',
    'http://a',
    'a/b',
    '10.0.0.0/8',
    'u@a',
    '256.0.0.1',
    '::g',
    'fe80::1%eth0',
    'a,b',
    'a\n',
  ])('is not %p', (text) => {
    expect(isHostPattern(text)).toBe(false)
    expect(() => new HostPatterns([text])).toThrow(RangeError)
  })

  test('in a list matches when any of them does', () => {
    const patterns = new HostPatterns(['a.test', '*.b.test:80', '10.0.0.1'])
    expect(patterns.matches('a.test', 1)).toBe(true)
    expect(patterns.matches('x.b.test', 80)).toBe(true)
    expect(patterns.matches('10.0.0.1', 1)).toBe(true)
    expect(patterns.matches('x.b.test', 81)).toBe(false)
    expect(new HostPatterns([]).matches('a.test', 1)).toBe(false)
  })
})
