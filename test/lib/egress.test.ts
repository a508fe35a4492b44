import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { JobError } from '../../src/errors.ts'
import type { Resolve } from '../../src/lib/egress.ts'
import { specialRange } from '../../src/lib/special-addresses.ts'
import { answering, decide, egress, never, publicAddress, unasked } from './decide.ts'
import { ipv4, ipv6, spellings } from './spelling.ts'

describe('a destination', () => {
  test('names the canonical host and the port', () => {
    const policy = egress({ allowHosts: ['*'] })
    const admitted = (url: string): unknown => policy.admitUrl(new URL(url))
    expect(admitted('http://Example.COM./x')).toEqual({ host: 'example.com', port: 80, isAddress: false })
    expect(admitted('https://bücher.example')).toEqual({ host: 'xn--bcher-kva.example', port: 443, isAddress: false })
    expect(admitted('https://[0:0::1]:8443')).toEqual({ host: '::1', port: 8443, isAddress: true })
    expect(admitted('http://0x7f.1')).toEqual({ host: '127.0.0.1', port: 80, isAddress: true })
  })

  test('is decided alike where there is no URL', async () => {
    const policy = egress()
    expect(policy.admitHost('DB.example.com.', 5432)).toEqual({ host: 'db.example.com', port: 5432, isAddress: false })
    expect(policy.admitHost('8.8.8.8', 5432)).toEqual({ host: '8.8.8.8', port: 5432, isAddress: true })
    for (const host of [
      '127.1',
      '0x7f000001',
      '2130706433',
      '::1',
      '[::1]',
      '::ffff:127.0.0.1',
      '①②⑦.1',
      'localhost',
    ]) {
      expect(() => policy.admitHost(host, 5432)).toThrow(JobError)
    }
    for (const host of ['', '/run/postgresql', 'a@b', 'a:5432', 'a b', 'a%00', 'a,b', 'fe80::1%eth0', '[::1', 'a\n']) {
      expect(() => policy.admitHost(host, 5432)).toThrow('The host is neither a name nor an address')
    }
    for (const port of [0, -1, 1.5, 65_536, Number.NaN]) {
      expect(() => policy.admitHost('example.com', port)).toThrow('The port is not one that can be reached')
    }
  })
})

describe('resolving', () => {
  test('asks once, so that a second answer is never used', async () => {
    let asked = 0
    const rebinding: Resolve = async () => [asked++ === 0 ? publicAddress : '127.0.0.1']
    expect(await decide(egress(), 'http://rebind.test/', rebinding)).toEqual([publicAddress])
    expect(asked).toBe(1)
  })

  test('asks for the canonical name and hands on the signal', async () => {
    const seen: unknown[] = []
    const resolve: Resolve = async (...asked) => {
      seen.push(...asked)
      return [publicAddress]
    }
    await decide(egress(), 'http://Example.COM./', resolve)
    expect(seen).toEqual(['example.com', never])
  })

  test('keeps the order and writes the addresses canonically', async () => {
    const policy = egress()
    const found = await decide(policy, 'http://example.com/', answering('2606:4700:0:0::1111', '8.8.8.8', '8.8.4.4'))
    expect(found).toEqual(['2606:4700::1111', '8.8.8.8', '8.8.4.4'])
  })

  test('asks nobody about an address', async () => {
    expect(await decide(egress(), 'http://134744072/', unasked)).toEqual(['8.8.8.8'])
  })

  test('fails as the resolver fails', async () => {
    const destination = egress().admitHost('example.com', 80)
    await expect(egress().addresses(destination, unasked, never)).rejects.toThrow('asked for example.com')
  })
})

describe('EGRESS_ALLOW_CIDRS', () => {
  test('exempts the addresses of its ranges, whatever the host is called', async () => {
    const policy = egress({ allowCidrs: ['10.0.0.0/8', 'fd00::/8'] })
    expect(await decide(policy, 'http://10.1.2.3/')).toEqual(['10.1.2.3'])
    expect(await decide(policy, 'http://db.internal/', answering('10.1.2.3', 'fd00::1'))).toEqual([
      '10.1.2.3',
      'fd00::1',
    ])
    expect(await decide(policy, 'http://192.168.0.1/')).toMatchObject({ rule: 'special_address' })
    expect(await decide(policy, 'http://db.internal/', answering('10.1.2.3', '127.0.0.1'))).toMatchObject({
      rule: 'special_address',
      range: 'Loopback',
    })
  })

  test('leaves the IPv4-mapped forms refused unless their own range is allowed', async () => {
    const mapped = 'http://[::ffff:10.0.0.1]/'
    expect(await decide(egress({ allowCidrs: ['10.0.0.0/8', '0.0.0.0/0'] }), mapped)).toMatchObject({
      range: 'IPv4-mapped Address',
    })
    expect(await decide(egress({ allowCidrs: ['::ffff:10.0.0.0/104'] }), mapped)).toEqual(['::ffff:a00:1'])
  })

  test('with loopback lets localhost be asked about, and checks the answer', async () => {
    const policy = egress({ allowCidrs: ['127.0.0.0/8'] })
    expect(await decide(policy, 'http://localhost:8080/', answering('127.0.0.1'))).toEqual(['127.0.0.1'])
    expect(await decide(policy, 'http://localhost:8080/', answering('10.0.0.1'))).toMatchObject({
      range: 'Private-Use',
    })
    expect(await decide(egress({ allowCidrs: ['10.0.0.0/8'] }), 'http://localhost/')).toMatchObject({
      rule: 'localhost',
    })
  })
})

describe('EGRESS_ALLOW_HOSTS', () => {
  test('exempts a host, at its port when it names one', async () => {
    const policy = egress({ allowHosts: ['db.internal', '*.svc:8080', '127.0.0.1:9000', 'localhost'] })
    expect(await decide(policy, 'http://DB.internal./', answering('10.0.0.1'))).toEqual(['10.0.0.1'])
    expect(await decide(policy, 'http://a.b.svc:8080/', answering('::1'))).toEqual(['::1'])
    expect(await decide(policy, 'http://a.b.svc/', answering('::1'))).toMatchObject({ rule: 'special_address' })
    expect(await decide(policy, 'http://127.0.0.1:9000/')).toEqual(['127.0.0.1'])
    expect(await decide(policy, 'http://127.0.0.1:9001/')).toMatchObject({ range: 'Loopback' })
    expect(await decide(policy, 'http://localhost/', answering('::1', '127.0.0.1'))).toEqual(['::1', '127.0.0.1'])
  })

  test('does not exempt a name because of what it answers', async () => {
    const policy = egress({ allowHosts: ['127.0.0.1'] })
    expect(await decide(policy, 'http://other.test/', answering('127.0.0.1'))).toMatchObject({ range: 'Loopback' })
  })

  test('lets nothing through that is no address', async () => {
    const policy = egress({ allowHosts: ['*'] })
    expect(await decide(policy, 'http://any.test/', answering('localhost'))).toMatchObject({ rule: 'no_address' })
    expect(await decide(policy, 'http://any.test/', answering())).toMatchObject({ rule: 'no_address' })
  })
})

describe('EGRESS_ONLY_HOSTS', () => {
  test('closes every other host, addresses and allowed ones included', async () => {
    const policy = egress({
      onlyHosts: ['*.example.com', '8.8.8.8:443'],
      allowHosts: ['db.internal'],
      allowCidrs: ['10.0.0.0/8'],
    })
    const refusal = { rule: 'host_not_listed', setting: 'EGRESS_ONLY_HOSTS' }
    expect(await decide(policy, 'https://api.example.com/', answering(publicAddress))).toEqual([publicAddress])
    expect(await decide(policy, 'https://8.8.8.8/')).toEqual(['8.8.8.8'])
    for (const url of [
      'https://example.com/',
      'http://8.8.8.8/',
      'http://1.1.1.1/',
      'http://db.internal/',
      'http://10.0.0.1/',
    ]) {
      expect(await decide(policy, url)).toMatchObject(refusal)
    }
    expect(await decide(egress({ onlyHosts: [] }), 'https://example.com/')).toMatchObject(refusal)
  })

  test('does not exempt what it names from the refusal of special addresses', async () => {
    const policy = egress({ onlyHosts: ['db.internal', '127.0.0.1', 'localhost'] })
    expect(await decide(policy, 'http://db.internal/', answering('10.0.0.1'))).toMatchObject({
      rule: 'special_address',
    })
    expect(await decide(policy, 'http://127.0.0.1/')).toMatchObject({ rule: 'special_address' })
    expect(await decide(policy, 'http://localhost/')).toMatchObject({ rule: 'localhost' })
  })
})

describe('EGRESS_DENY_CIDRS', () => {
  test('refuses whatever else allows it', async () => {
    const everything = { allowHosts: ['*'], allowCidrs: ['0.0.0.0/0', '::/0'], onlyHosts: ['*'] }
    const policy = egress({ ...everything, denyCidrs: ['8.8.8.0/24', '169.254.169.254', '2606:4700::/32'] })
    const refusal = { rule: 'denied_address', setting: 'EGRESS_DENY_CIDRS' }
    for (const url of ['http://8.8.8.8/', 'http://0xa9fea9fe/', 'http://[2606:4700::1]/']) {
      expect(await decide(policy, url)).toMatchObject(refusal)
    }
    expect(await decide(policy, 'http://any.test/', answering('8.8.4.4', '8.8.8.8'))).toMatchObject(refusal)
    expect(await decide(policy, 'http://127.0.0.1/')).toEqual(['127.0.0.1'])
    expect(await decide(policy, 'http://8.8.4.4/')).toEqual(['8.8.4.4'])
  })

  test('says that the address is denied before it says that the host is not listed', async () => {
    const policy = egress({ denyCidrs: ['8.8.8.8'], onlyHosts: ['example.com'] })
    expect(await decide(policy, 'http://8.8.8.8/')).toMatchObject({ rule: 'denied_address' })
  })
})

describe('the rules', () => {
  test('are refused when they cannot be read', () => {
    for (const text of ['10.0.0.0/33', '10.0.0.1/8', 'localhost', '', '10/8', '::1%1', '10.0.0.0/8/8', '10.0.0.0/-1']) {
      expect(() => egress({ allowCidrs: [text] })).toThrow(RangeError)
      expect(() => egress({ denyCidrs: [text] })).toThrow(RangeError)
    }
    expect(() => egress({ allowHosts: ['10.0.0.0/8'] })).toThrow(RangeError)
    expect(() => egress({ onlyHosts: ['a b'] })).toThrow(RangeError)
  })
})

test('a refusal holds no more of a host than a name can have', async () => {
  const details = await decide(egress(), `http://${'a'.repeat(100_000)}/`)
  expect(JSON.stringify(details).length).toBeLessThan(400)
})

describe('however it is written', () => {
  const policy = egress({ denyCidrs: ['9.0.0.0/8', '2600::/16'], allowCidrs: ['10.1.0.0/16', 'fd00:1::/32'] })

  test('an address is decided like its plain spelling', async () => {
    const written = fc.oneof(ipv4, ipv6).chain((plain) => fc.tuple(fc.constant(plain), spellings(plain)))
    await fc.assert(
      fc.asyncProperty(written, async ([plain, spelling]) => {
        const host = plain.includes(':') ? `[${plain}]` : plain
        const decision = await decide(policy, `http://${spelling}/`)
        expect(decision).toEqual(await decide(policy, `http://${host}/`))
        expect(Array.isArray(decision)).toBe(Array.isArray(await decide(policy, 'http://name.test/', answering(plain))))
      }),
      { numRuns: 2000 },
    )
  })

  test('a special address is refused, alone and among others', async () => {
    const special = fc.oneof(ipv4, ipv6).filter((plain) => specialRange(plain) !== undefined)
    const written = special.chain((plain) => fc.tuple(fc.constant(plain), spellings(plain)))
    const others = fc.array(fc.constantFrom('8.8.8.8', '1.1.1.1', '2606:4700::1111'), { maxLength: 3 })
    await fc.assert(
      fc.asyncProperty(written, others, others, async ([plain, spelling], before, after) => {
        const refusal = { rule: 'special_address', range: specialRange(plain) }
        expect(await decide(egress(), `http://${spelling}/`)).toMatchObject(refusal)
        const answers = answering(...before, plain, ...after)
        expect(await decide(egress(), 'http://name.test/', answers)).toMatchObject(refusal)
      }),
      { numRuns: 1000 },
    )
  })
})
