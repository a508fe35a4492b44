import { describe, expect, test } from 'bun:test'
import { posix, resolve, win32 } from 'node:path'
import fc from 'fast-check'
import { isSafeSegment, safePath, safePrefix } from '../../src/lib/safe-path.ts'
import { hostilePaths } from './hostile-paths.ts'

describe('a path is refused', () => {
  test('for what makes it dangerous', () => {
    for (const [reason, paths] of Object.entries(hostilePaths)) {
      for (const path of paths) expect([path, safePath(path)]).toEqual([path, expect.objectContaining({ reason })])
    }
  })

  test('of at least 150 kinds', () => {
    expect(new Set(Object.values(hostilePaths).flat()).size).toBeGreaterThanOrEqual(150)
  })

  test('naming the segment that is at fault', () => {
    expect(safePath('a/b/../c')).toEqual({ reason: 'dot_segment', segment: 2 })
    expect(safePath('nul/a')).toEqual({ reason: 'reserved_name', segment: 0 })
    expect(safePath('/a')).toEqual({ reason: 'absolute' })
  })
})

describe('a path is taken', () => {
  const good = [
    ...[
      'a',
      'a/b/c.txt',
      '.hidden',
      '..a',
      'a..b',
      '...b',
      ' a',
      'a b',
      '-rf',
      '~',
      '~root',
      '$HOME',
      '%2e%2e',
      '*?"<>|',
    ],
    ...[
      'console',
      'nul1',
      'com',
      'com10',
      'lpt',
      'auxiliary.txt',
      'a.con',
      '.con',
      'beamline',
      'x.beamline',
      'Ω',
      '日本語',
    ],
    ...['می\u200cخواهم', '👨\u200d👩\u200d👧', `${'x'.repeat(255)}/y`, `${'a/'.repeat(31)}a`, 'ä'.repeat(127)],
  ]

  test.each(good)('%j', (path) => {
    expect(safePath(path)).toEqual({ path: path.normalize('NFC'), segments: path.normalize('NFC').split('/') })
  })

  test('in one form, however it was written', () => {
    expect(safePath('u\u0308/e\u0301')).toEqual(safePath('\u00fc/\u00e9'))
  })
})

const pieces = [
  'a',
  '.',
  '..',
  '/',
  '//',
  ' ',
  'ä',
  '\\',
  ':',
  '~',
  '\0',
  '\u200b',
  '\u200d',
  '%2e',
  'nul',
  'CON',
  '.beamline',
  '-',
]
const strange = fc.array(fc.constantFrom(...pieces), { maxLength: 20 }).map((parts) => parts.join(''))
const anyText = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }), strange)

test('whatever is taken stays inside on every system, and is its own normal form', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const read = safePath(text)
      if ('reason' in read) return
      expect(read.segments.join('/')).toBe(read.path)
      expect(safePath(read.path)).toEqual(read)
      expect(resolve('/box', read.path)).toBe(`/box/${read.path}`)
      expect(posix.normalize(read.path)).toBe(read.path)
      expect(win32.normalize(`D:\\box\\${read.path}`)).toBe(`D:\\box\\${read.path.replaceAll('/', '\\')}`)
      expect(read.segments.every(isSafeSegment)).toBe(true)
    }),
    { numRuns: 2000 },
  )
})

describe('a prefix', () => {
  test('names folders whole, and how the names in them begin', () => {
    expect(safePrefix('')).toEqual({ prefix: '', folders: [], rest: '' })
    expect(safePrefix('a')).toEqual({ prefix: 'a', folders: [], rest: 'a' })
    expect(safePrefix('a/b/')).toEqual({ prefix: 'a/b/', folders: ['a', 'b'], rest: '' })
    expect(safePrefix('a/b/nul')).toEqual({ prefix: 'a/b/nul', folders: ['a', 'b'], rest: 'nul' })
  })

  test.each(['../a', '/a', 'a//b', 'a\\b', 'nul/a', 'a\0', 'C:'])('%j is refused', (prefix) => {
    expect(safePrefix(prefix)).toHaveProperty('reason')
  })
})

test('long texts are refused before they are brought into any form', () => {
  // Bringing marks into their order takes a time that grows with the square of their number.
  const marks = `a${'\u0300\u0316'.repeat(40_000)}`
  const startedAt = process.cpuUsage().user
  expect(safePath(marks)).toEqual({ reason: 'too_long' })
  expect(safePrefix(marks)).toEqual({ reason: 'too_long' })
  expect(process.cpuUsage().user - startedAt).toBeLessThan(1_000_000)
})

test('names that are in folders but in no path', () => {
  for (const name of ['a:b', 'e\u0301', 'a/b', '..', '', 'nul', '.beamline-x', 'a '])
    expect(isSafeSegment(name)).toBe(false)
})
