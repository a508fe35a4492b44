import { describe, expect, test } from 'bun:test'
import { KnownSecrets } from '../../../src/services/secrets/known-secrets.ts'
import { FakeClock } from '../../support/fake-clock.ts'

function open(clock = new FakeClock()): KnownSecrets {
  const known = new KnownSecrets(clock)
  known.add('configured', 'all')
  return known
}

const token = (n: number): string => `token-${n}-of-a-tenant`

describe('what is learned', () => {
  test('is masked for its tenant alone', () => {
    const known = open()
    known.learn('acme', 'application/json')
    const text = 'application/json configured'
    expect(known.maskFor('acme').text(text)).toBe('*** ***')
    expect(known.maskFor('globex').text(text)).toBe('application/json ***')
    expect(known.mask.text(text)).toBe('application/json ***')
  })

  test('is masked by a mask that was there before', () => {
    const known = open()
    const mask = known.maskFor('acme')
    expect(mask.text(token(1))).toBe(token(1))
    known.learn('acme', token(1))
    expect(mask.text(token(1))).toBe('***')
  })

  test('is forgotten when there is too much of it, what was used last is kept; no tenant crowds out another', () => {
    const known = open()
    known.learn('globex', token(0))
    const mask = known.maskFor('acme')
    for (let n = 0; n < 64; n++) known.learn('acme', token(n))
    known.learn('acme', token(0))
    known.learn('acme', token(64))
    expect(mask.text(`${token(0)} ${token(1)} ${token(2)} configured`)).toBe(`*** ${token(1)} *** ***`)
    expect(known.maskFor('globex').text(token(0))).toBe('***')
  })

  test('takes a bounded room', () => {
    const known = open()
    const mask = known.maskFor('acme')
    const long = (n: number): string => `${n}${'x'.repeat(16_000)}`
    for (let n = 0; n < 5; n++) known.learn('acme', long(n))
    expect(mask.text(long(0))).toBe(long(0))
    expect(mask.text(long(4))).toBe('***')
    for (let n = 0; n < 1000; n++) known.learn(`tenant-${n}`, token(n))
    expect(mask.text(long(4))).toBe(long(4))
    expect(known.maskFor('tenant-0').text(token(0))).toBe('***')
  })

  test('is forgotten a day after it was used last', async () => {
    const clock = new FakeClock()
    const known = open(clock)
    const day = 24 * 60 * 60 * 1000
    known.learn('acme', token(1))
    await clock.advance(day - 1)
    known.learn('acme', token(1))
    await clock.advance(day - 1)
    expect(known.maskFor('acme').text(token(1))).toBe('***')
    await clock.advance(1)
    expect(known.maskFor('acme').text(token(1))).toBe(token(1))
  })
})

test('what is for several tenants is masked for each of them, and for nobody else', () => {
  const known = open()
  known.add('for-two-of-them', ['acme', 'globex'])
  known.add('for-nobody', [])
  const text = 'for-two-of-them for-nobody'
  expect(known.maskFor('acme').text(text)).toBe('*** for-nobody')
  expect(known.maskFor('globex').text(text)).toBe('*** for-nobody')
  expect(known.maskFor('initech').text(text)).toBe(text)
  expect(known.mask.text(text)).toBe('*** ***')
})
