import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import {
  choice,
  duration,
  flag,
  listenAddress,
  natsName,
  servers,
  size,
  subject,
  wholeNumber,
} from '../../src/config/kinds.ts'
import type { Kind } from '../../src/config/setting.ts'

/** What a kind reads; undefined when it refuses. */
function read<T>(kind: Kind<T>, text: string): T | undefined {
  return kind.schema.safeParse(text).data
}

describe('sizes and durations', () => {
  test.each([
    ['1024', 1024],
    ['1KB', 1000],
    ['1kib', 1024],
    ['100MB', 100_000_000],
    ['1.5 GiB', 1_610_612_736],
    ['10B', undefined],
    ['1XB', undefined],
    ['-1', undefined],
    ['1e6', undefined],
    ['', undefined],
    ['MB', undefined],
    ['0.0001KB', undefined],
    ['101TB', undefined],
  ])('size %p is %p', (text, bytes) => {
    expect(read(size('1KB', '100TB'), text)).toBe(bytes)
  })

  test.each([
    ['250', 250],
    ['250ms', 250],
    ['30s', 30_000],
    ['1.5m', 90_000],
    ['1h', 3_600_000],
    ['61m', undefined],
    ['99', undefined],
    ['30 seconds', undefined],
  ])('duration %p is %p', (text, ms) => {
    expect(read(duration('100ms', '1h'), text)).toBe(ms)
  })

  test('every whole number of bytes within the range is read as itself, and none outside', () => {
    fc.assert(
      fc.property(fc.nat(10_000), (bytes) => {
        const expected = bytes >= 10 && bytes <= 5000 ? bytes : undefined
        expect(read(size('10', '5000'), String(bytes))).toBe(expected)
        expect(read(wholeNumber(10, 5000), String(bytes))).toBe(expected)
      }),
    )
  })
})

describe('words', () => {
  test('a choice ignores case, and says what it accepts', () => {
    const kind = choice('auto', 'require', 'off')
    expect(read(kind, 'OFF')).toBe('off')
    expect(read(kind, 'on')).toBeUndefined()
    expect(kind.accepts).toBe('auto, require or off')
  })

  test.each([
    ['true', true],
    ['ON', true],
    ['1', true],
    ['no', false],
    ['false', false],
    ['maybe', undefined],
  ])('flag %p is %p', (text, value) => {
    expect(read(flag, text)).toBe(value)
  })
})

describe('names of NATS', () => {
  test.each(['a', 'a.b-c_d', 'caf.exec.assign.v1'])('subject %p', (text) => {
    expect(read(subject, text)).toBe(text)
  })

  test.each(['a..b', '.a', 'a.', 'a.*', '>', 'a b', 'ä'])('no subject: %p', (text) => {
    expect(read(subject, text)).toBeUndefined()
  })

  test.each(['CAF_EXEC', 'caf-workers', 'a:b'])('name %p', (text) => {
    expect(read(natsName, text)).toBe(text)
  })

  test.each(['a.b', 'a b', 'a*', 'a>', 'a/b', 'a\\b', 'a\u0000b', 'x'.repeat(256)])('no name: %p', (text) => {
    expect(read(natsName, text)).toBeUndefined()
  })
})

describe('addresses', () => {
  test.each([
    ['0.0.0.0:9091', { host: '0.0.0.0', port: 9091 }],
    ['localhost:0', { host: 'localhost', port: 0 }],
    ['[::1]:80', { host: '::1', port: 80 }],
    ['::1:80', undefined],
    ['localhost', undefined],
    [':80', undefined],
    ['localhost:65536', undefined],
    ['http://localhost:80', undefined],
  ])('listen on %p', (text, address) => {
    expect(read(listenAddress, text)).toEqual(address)
  })

  test.each([
    ['nats://a:4222, tls://u:p@b:4223', ['nats://a:4222', 'tls://u:p@b:4223']],
    ['a:4222', ['a:4222']],
    ['http://a', undefined],
    ['nats://', undefined],
    ['nats://a/path', undefined],
    [',', undefined],
  ])('servers %p', (text, list) => {
    expect(read(servers, text)).toEqual(list)
  })
})
