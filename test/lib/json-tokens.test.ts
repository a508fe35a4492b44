import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { type JsonToken, mapTokens } from '../../src/lib/json-tokens.ts'
import type { Span } from '../../src/lib/spans.ts'

function everywhere(json: string): readonly Span[] {
  return [{ start: 0, end: json.length }]
}

describe('mapTokens', () => {
  test('meets strings, keys and numbers, and nothing else', () => {
    const met: JsonToken[] = []
    const json = '{"a\\"b\\\\":[-1.5e+3,true,false,null,"x",{"":0}]}'
    mapTokens(json, everywhere(json), (token) => {
      met.push(token)
      return token.text
    })
    expect(met).toEqual([
      { kind: 'key', text: '"a\\"b\\\\"' },
      { kind: 'number', text: '-1.5e+3' },
      { kind: 'string', text: '"x"' },
      { kind: 'key', text: '""' },
      { kind: 'number', text: '0' },
    ])
  })

  test('replaces them where they stand', () => {
    const doubled = ({ kind, text }: JsonToken): string => (kind === 'number' ? String(Number(text) * 2) : text)
    fc.assert(
      fc.property(fc.json({ maxDepth: 5 }), fc.integer(), (any, number) => {
        const json = JSON.stringify([number, JSON.parse(any)])
        const all = everywhere(json)
        expect(mapTokens(json, all, ({ text }) => text)).toBe(json)
        expect(mapTokens(json, all, doubled)).toStartWith(`[${String(number * 2)},`)
        const sevens = mapTokens(json, all, ({ kind, text }) => (kind === 'number' ? '7' : text))
        expect(JSON.parse(sevens)).toEqual(
          JSON.parse(json, (_key, value: unknown) => (typeof value === 'number' ? 7 : value)),
        )
      }),
    )
  })

  test('leaves alone what lies in none of the places', () => {
    const json = '["aa","bb",12,"cc",34,"dd"]'
    const places = [
      { start: 3, end: 4 },
      { start: 10, end: 12 },
      { start: 17, end: 18 },
    ]
    expect(mapTokens(json, places, () => '0')).toBe('[0,"bb",0,0,34,"dd"]')
    expect(mapTokens(json, [], () => '0')).toBe(json)
  })
})
