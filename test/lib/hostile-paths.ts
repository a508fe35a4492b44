/** Texts that are no paths of blobs, by why they are refused. */
import type { PathFault } from '../../src/lib/safe-path.ts'

const long = 'x'.repeat(256)
const reserved = ['CON', 'con', 'PRN', 'aux', 'NUL', 'nul', 'COM0', 'COM1', 'com9', 'LPT1', 'lpt9', 'CONIN$', 'conout$']
const superscript = ['COM¹', 'com²', 'LPT³', 'lpt¹']
const invisible = [
  '\u200b',
  '\ufeff',
  '\u2060',
  '\u00ad',
  '\u202a',
  '\u202e',
  '\u2066',
  '\u2069',
  '\u200e',
  '\u200f',
  '\u061c',
  '\u2028',
  '\u2029',
  '\u{e0041}',
]
const controls = ['\0', '\u0001', '\u0007', '\b', '\t', '\n', '\r', '\u001b', '\u007f', '\u0085', '\u009f']

/** Each refused for this reason, in whatever place it stands. */
export const hostilePaths: Readonly<Record<PathFault, readonly string[]>> = {
  empty: [''],
  not_well_formed: ['\ud800', 'a/\udfff', 'a\ud83d/b', '\udc00\ud800'],
  absolute: ['/', '/a', '//a', '//server/share', '/etc/passwd', '/proc/self/environ', '/dev/stdin', '/./a', '/../a'],
  backslash: ['\\', 'a\\b', '..\\..\\etc', '\\\\server\\share', '\\\\?\\C:\\x', '\\\\.\\pipe\\x', 'C:\\x', 'a/..\\b'],
  colon: ['C:', 'C:/x', 'c:x', 'a:stream', 'a/b:$DATA', 'file::$INDEX_ALLOCATION', 'http://x', 'file:a', 'fs:a', ':'],
  control_character: controls.flatMap((each) => [`a${each}b`, each, `a/${each}`]),
  invisible_character: invisible.flatMap((each) => [`a${each}b`, `a/${each}`]),
  empty_segment: ['a//b', 'a/', 'a/b/', 'a///b', 'a//'],
  dot_segment: [
    ...['.', '..', './a', '../a', 'a/.', 'a/..', 'a/../b', 'a/./b', '../../../../etc/passwd', 'a/b/../../..'],
    ...['../.beamline-x', 'a/../../b', '..//etc', './/a', '../../proc/self/mem', 'a/.././b'],
  ],
  segment_too_long: [long, `a/${long}`, `${long}/a`, 'ä'.repeat(128), '𝄞'.repeat(64)],
  trailing_dot_or_space: ['a.', 'a ', 'a/b.', 'a./b', 'a /b', '...', 'a..', '. ', '.. ', '.. /a', ' ', 'a. ', '. .'],
  reserved_name: [
    ...[...reserved, ...superscript],
    ...['con.txt', 'a/nul', 'NUL.tar.gz', 'aux/x', 'COM1.log', 'lpt1.x/y', 'nul .txt', 'COM¹.txt', 'CONIN$.x'],
  ],
  own_name: [
    ...[
      '.beamline',
      '.beamline-tmp-1-2-3-4',
      '.BEAMLINE',
      '.Beamline-x',
      'a/.beamline/b',
      '.beamlinefoo',
      '.beamline.x',
    ],
    ...['.beam\u200cline', '.\u200dbeamline-x'],
  ],
  too_long: [`${'a/'.repeat(600)}a`, `${'abcdefg/'.repeat(130)}x`, `${`${'ä'.repeat(120)}/`.repeat(5)}x`],
  too_deep: [`${'a/'.repeat(32)}a`, `${'../'.repeat(40)}a`],
}
