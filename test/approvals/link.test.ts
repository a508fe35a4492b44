import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { Links } from '../../src/approvals/link.ts'

const secret = 'a'.repeat(32)
const newer = 'b'.repeat(32)
const nowMs = 1_700_000_000_000
const claim = { approvalId: 'ap_1', approver: 'Änn <ann@example.org>', expiresAt: nowMs / 1000 + 60 }
const links = new Links([secret])

function signed(by = links): string {
  const token = by.sign(claim)
  if (token === undefined) throw new Error('no secret')
  return token
}

describe('a link', () => {
  test('stands for what was signed, until it is out of date', () => {
    expect(links.verify(signed(), nowMs)).toEqual(claim)
    expect(links.verify(signed(), nowMs + 59_999)).toEqual(claim)
    expect(links.verify(signed(), nowMs + 60_000)).toBeUndefined()
  })

  test('survives a new secret beside the old one, and not its end', () => {
    expect(new Links([newer, secret]).verify(signed(), nowMs)).toEqual(claim)
    expect(new Links([newer]).verify(signed(), nowMs)).toBeUndefined()
    expect(links.verify(signed(new Links([newer, secret])), nowMs)).toBeUndefined()
  })

  test('cannot be had without a secret', () => {
    expect(new Links([]).sign(claim)).toBeUndefined()
    expect(new Links([]).verify(signed(), nowMs)).toBeUndefined()
  })

  test('with any character altered, left out or added is nothing', () => {
    const token = signed()
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ \n'
    const place = fc.nat(token.length - 1)
    fc.assert(
      fc.property(place, fc.constantFrom(...alphabet.split('')), (at, character) => {
        const altered = token.slice(0, at) + character + token.slice(at + 1)
        expect(links.verify(altered, nowMs)).toEqual(altered === token ? claim : undefined)
        expect(links.verify(token.slice(0, at) + token.slice(at + 1), nowMs)).toBeUndefined()
        expect(links.verify(token.slice(0, at) + character + token.slice(at), nowMs)).toBeUndefined()
      }),
      { numRuns: 2000 },
    )
  })

  test('of anything else is nothing', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(links.verify(text, nowMs)).toBeUndefined()
      }),
    )
    expect(links.verify(`${'A'.repeat(5000)}.${'A'.repeat(43)}`, nowMs)).toBeUndefined()
  })
})
