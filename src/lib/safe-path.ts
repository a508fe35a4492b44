/** Which texts are paths of things inside a folder, on every system alike, and never of anything outside it. */

/** Why a text is not such a path. */
export type PathFault =
  | 'empty'
  | 'too_long'
  | 'too_deep'
  | 'not_well_formed'
  | 'absolute'
  | 'backslash'
  | 'colon'
  | 'control_character'
  | 'invisible_character'
  | 'empty_segment'
  | 'dot_segment'
  | 'segment_too_long'
  | 'trailing_dot_or_space'
  | 'reserved_name'
  | 'own_name'

/** A text that is not such a path: why, and in which segment (from 0) where it is one segment's fault. */
export interface UnsafePath {
  readonly reason: PathFault
  readonly segment?: number
}

/** A relative path in Unicode's composed form (NFC), whose segments are plain names. */
export interface SafePath {
  readonly path: string
  readonly segments: readonly string[]
}

/** The beginning of paths: the folders that it names whole, and how the names in the last of them begin. */
export interface SafePrefix {
  /** In Unicode's composed form. */
  readonly prefix: string
  readonly folders: readonly string[]
  readonly rest: string
}

/** The longest path in UTF-16 units, as it was written, and in bytes of UTF-8; and the most segments. */
const longestPath = 1024
const mostSegments = 32
/** What file systems take as one name, in bytes of UTF-8. */
const longestSegment = 255

/** How names begin that a store keeps for itself. */
export const ownPrefix = '.beamline'

const reservedNames = /^(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9\u00b9\u00b2\u00b3])[ ]*(?:\.|$)/i
/** The joiners are needed to write some languages, and HFS+ sees names with and without them as one. */
const joiners = /[\u200c\u200d]/g

/** Reads a path: relative, `/` between its segments. Never throws. */
export function safePath(text: string): SafePath | UnsafePath {
  const path = composed(text)
  if (path === undefined) return { reason: 'too_long' }
  const fault = textFault(path)
  if (fault !== undefined) return { reason: fault }
  if (path === '') return { reason: 'empty' }
  const segments = path.split('/')
  return firstFault(segments) ?? { path, segments }
}

/** Reads the beginning of paths; empty, it is the beginning of all. Never throws. */
export function safePrefix(text: string): SafePrefix | UnsafePath {
  const prefix = composed(text)
  if (prefix === undefined) return { reason: 'too_long' }
  const fault = textFault(prefix)
  if (fault !== undefined) return { reason: fault }
  const folders = prefix.split('/')
  const rest = folders.pop() ?? ''
  return firstFault(folders) ?? { prefix, folders, rest }
}

/** Whether a name found in a folder is a segment that a path may have. */
export function isSafeSegment(name: string): boolean {
  const read = safePath(name)
  return 'segments' in read && read.segments.length === 1 && read.path === name
}

/** The text in its composed form; undefined for a long one, as it takes a time that grows faster than the text. */
function composed(text: string): string | undefined {
  return text.length > longestPath ? undefined : text.normalize('NFC')
}

function textFault(path: string): PathFault | undefined {
  if (!path.isWellFormed()) return 'not_well_formed'
  if (path.startsWith('/')) return 'absolute'
  if (path.includes('\\')) return 'backslash'
  // Drive letters, and the streams of NTFS.
  if (path.includes(':')) return 'colon'
  if (/\p{Cc}/u.test(path)) return 'control_character'
  // Letters that change how others are shown make one name look like another.
  if (/[\p{Cf}\p{Zl}\p{Zp}]/u.test(path.replace(joiners, ''))) return 'invisible_character'
  return Buffer.byteLength(path) > longestPath ? 'too_long' : undefined
}

function firstFault(segments: readonly string[]): UnsafePath | undefined {
  if (segments.length > mostSegments) return { reason: 'too_deep' }
  for (const [segment, name] of segments.entries()) {
    const reason = segmentFault(name)
    if (reason !== undefined) return { reason, segment }
  }
  return undefined
}

function segmentFault(name: string): PathFault | undefined {
  if (name === '') return 'empty_segment'
  if (name === '.' || name === '..') return 'dot_segment'
  if (Buffer.byteLength(name) > longestSegment) return 'segment_too_long'
  if (/[. ]$/.test(name)) return 'trailing_dot_or_space'
  if (reservedNames.test(name)) return 'reserved_name'
  return name.replace(joiners, '').toLowerCase().startsWith(ownPrefix) ? 'own_name' : undefined
}
