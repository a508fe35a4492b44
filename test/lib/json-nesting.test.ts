import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { isNestedTooDeeply, jsonShape } from '../../src/lib/json-nesting.ts'
import { decodeAssignment } from '../../src/protocol/codec.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

function nested(levels: number, open = '[', close = ']'): string {
  return `${open.repeat(levels)}${close.repeat(levels)}`
}

describe('nesting', () => {
  test('is too deep beyond 1,000 levels of arrays and objects', () => {
    expect(isNestedTooDeeply(bytes(nested(1000)))).toBe(false)
    expect(isNestedTooDeeply(bytes(nested(1001)))).toBe(true)
    expect(isNestedTooDeeply(bytes(`${'{"a":'.repeat(1001)}1${'}'.repeat(1001)}`))).toBe(true)
  })

  test('does not count what stands one after the other, nor what stands in strings', () => {
    expect(isNestedTooDeeply(bytes(`[${'[],'.repeat(5000)}0]`))).toBe(false)
    expect(isNestedTooDeeply(bytes(JSON.stringify({ a: '['.repeat(5000), b: '\\"['.repeat(5000) })))).toBe(false)
  })

  test('never takes an ordinary value for a deep one', () => {
    fc.assert(fc.property(fc.json({ maxDepth: 20 }), (json) => !isNestedTooDeeply(bytes(json.padEnd(1001)))))
  })

  test('makes an assignment malformed, and its caller can be told', () => {
    const text = `{"assignment_id":"a","tenant_id":"t","job":{"type":"echo","payload":${nested(40_000)}}}`
    const decoded = decodeAssignment(bytes(text), {})
    expect(decoded).toMatchObject({
      kind: 'malformed',
      reason: 'DECODE_ERROR',
      caller: { assignmentId: 'a', tenantId: 't' },
    })
    expect(decoded).toMatchObject({ error: { code: 'INVALID_INPUT' } })
  })
})

describe('breadth', () => {
  test.each([
    ['[1,2,3]', 4],
    ['{"a":1,"b":[true,null]}', 5],
    ['{"a":{"b":{"c":1}}}', 4],
    ['["a,b,[{,\\\\\\",c"]', 2],
    [' [ 1 , 2 ] ', 3],
  ])('of %s is %i values', (json, values) => {
    expect(jsonShape(bytes(json), values)).toBe('fine')
    expect(jsonShape(bytes(json), values - 1)).toBe('wide')
  })

  test('counts what is empty twice, and no value that was written less than once', () => {
    expect(jsonShape(bytes('[[],{}]'), 5)).toBe('fine')
    expect(jsonShape(bytes('[[],{}]'), 4)).toBe('wide')
    fc.assert(
      fc.property(fc.json(), (json) => {
        const values = count(JSON.parse(json))
        expect(values === 1 || jsonShape(bytes(json), values - 1) === 'wide').toBe(true)
        expect(jsonShape(bytes(json), 2 * values)).toBe('fine')
      }),
    )
  })

  test('is told before depth where it comes first', () => {
    const both = `[${'0,'.repeat(2000)}${nested(2000)}]`
    expect(jsonShape(bytes(both), 1000)).toBe('wide')
    expect(jsonShape(bytes(both))).toBe('deep')
  })
})

function count(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 1
  return Object.values(value).reduce((sum: number, each) => sum + count(each), 1)
}
