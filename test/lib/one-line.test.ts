import { expect, test } from 'bun:test'
import { oneJsonLine, oneLine } from '../../src/lib/one-line.ts'

test('whatever ends a line or controls a terminal is escaped, and nothing else', () => {
  expect(oneLine('a\nb\r\u001b[2Jc\u2028d\u202ee\u009bf')).toBe('a\\u{a}b\\u{d}\\u{1b}[2Jc\\u{2028}d\\u{202e}e\\u{9b}f')
  expect(oneLine('plain: "ä→日本 🎉" \\ x')).toBe('plain: "ä→日本 🎉" \\ x')
})

test('JSON stays the JSON of the same value, with nothing in it that controls a terminal', () => {
  const value = { text: 'a\u009b2J\u007f\u202eb\u{e0041}\u2028 ä🎉', list: ['\n'] }
  const json = oneJsonLine(JSON.stringify(value))
  expect(json).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}]/u)
  expect(json).toContain('ä🎉')
  expect(JSON.parse(json)).toEqual(value)
})
