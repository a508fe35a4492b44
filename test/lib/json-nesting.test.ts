import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { isNestedTooDeeply } from '../../src/lib/json-nesting.ts'
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
