import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { base64Bytes, textBytes } from '../../../src/handlers/blobs/content.ts'

const gathered = (pieces: Iterable<Uint8Array>): Buffer => Buffer.concat([...pieces])

/** Around the length of a piece, so that its ends fall everywhere. */
const bytes = fc
  .tuple(fc.uint8Array({ maxLength: 9 }), fc.integer({ min: 0, max: 3 }), fc.integer({ min: -9, max: 9 }))
  .map(([end, pieces, more]) => Buffer.concat([Buffer.alloc(Math.max(0, pieces * 49_152 + more), 'ab'), end]))

test('base64 gives the bytes it stands for, however long it is', () => {
  fc.assert(
    fc.property(bytes, (content) => {
      expect(gathered(base64Bytes(content.toString('base64'))).equals(content)).toBe(true)
    }),
  )
})

test('base64 may hold white space', () => {
  expect(gathered(base64Bytes(' aGVs\r\nbG8= \n')).toString()).toBe('hello')
  const wide = Buffer.alloc(200_000, 'x')
  const lines = wide.toString('base64').replaceAll(/.{76}/g, '$&\n')
  expect(gathered(base64Bytes(lines)).equals(wide)).toBe(true)
})

const broken = [
  'a',
  'aGVsbG8',
  'aGVs=bG8=',
  'aGVsbG8==',
  'aGVsbG9=',
  '*GVs',
  'aGV_',
  'ä',
  `${'A'.repeat(65_534)}==AAAA`,
  `${'A'.repeat(65_536)}A`,
  `${'A'.repeat(65_536)}*AAA`,
]

test('what is no base64 is refused', () => {
  for (const text of broken) {
    expect(() => gathered(base64Bytes(text))).toThrow(
      expect.objectContaining({ code: 'BASE64_DECODE_ERROR', details: { field: 'bytes' }, unsent: true }),
    )
  }
})

test('text gives its UTF-8, wherever a piece ends', () => {
  const unit = fc.constantFrom('a', 'ä', '€', '😀')
  const text = fc
    .tuple(fc.integer({ min: -3, max: 3 }), fc.string({ unit, maxLength: 6 }), fc.nat(2))
    .map(([shift, middle, pieces]) => `${'x'.repeat(Math.max(0, 65_536 * pieces + shift))}${middle}${'€'.repeat(5)}`)
  fc.assert(
    fc.property(text, (content) => {
      expect(gathered(textBytes(content)).equals(Buffer.from(content))).toBe(true)
    }),
  )
})
