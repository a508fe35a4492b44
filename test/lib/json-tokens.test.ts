import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { mapTokens } from '../../src/lib/json-tokens.ts'

describe('mapTokens', () => {
  test('meets strings, keys and numbers, and nothing else', () => {
    const met: string[] = []
    const json = '{"a\\"b\\\\":[-1.5e+3,true,false,null,"x",{"":0}]}'
    mapTokens(json, (token) => {
      met.push(token)
      return token
    })
    expect(met).toEqual(['"a\\"b\\\\"', '-1.5e+3', '"x"', '""', '0'])
  })

  test('replaces them where they stand', () => {
    const doubled = (token: string): string => (token.startsWith('"') ? token : String(Number(token) * 2))
    fc.assert(
      fc.property(fc.json({ maxDepth: 5 }), fc.integer(), (json, number) => {
        expect(mapTokens(json, (token) => token)).toBe(json)
        expect(mapTokens(`[${number},${json}]`, doubled)).toStartWith(`[${number * 2},`)
        expect(JSON.parse(mapTokens(json, (token) => (token.startsWith('"') ? token : '7')))).toEqual(
          JSON.parse(json, (_key, value: unknown) => (typeof value === 'number' ? 7 : value)),
        )
      }),
    )
  })
})
