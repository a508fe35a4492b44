/** The content that a job hands in, piece by piece: texts as large as this are not held twice. */
import { JobError } from '../../errors.ts'

/** Characters at a time; a multiple of four, for so many make whole bytes in base64. */
const pieceLength = 65_536

const encoder = new TextEncoder()

/** The bytes of a text in UTF-8. It must hold no half of a surrogate pair. */
export function* textBytes(text: string): Generator<Uint8Array> {
  for (let start = 0; start < text.length; ) {
    const next = start + pieceLength
    // A pair stays together.
    const end = isLead(text.charCodeAt(next - 1)) ? next + 1 : next
    yield encoder.encode(text.slice(start, end))
    start = end
  }
}

/** The bytes that base64 stands for. Throws BASE64_DECODE_ERROR, at the latest at its end. */
export function* base64Bytes(base64: string): Generator<Uint8Array> {
  // White space is allowed in it, but would shift the pieces.
  const text = /\s/.test(base64) ? base64.replaceAll(/\s/g, '') : base64
  for (let start = 0; start < text.length; start += pieceLength) {
    const piece = text.slice(start, start + pieceLength)
    // Padding inside would end it too early.
    if (start + pieceLength < text.length && piece.endsWith('=')) throw notBase64()
    yield decoded(piece)
  }
}

function decoded(piece: string): Uint8Array {
  try {
    return Uint8Array.fromBase64(piece, { lastChunkHandling: 'strict' })
  } catch (cause) {
    throw notBase64(cause)
  }
}

function notBase64(cause?: unknown): JobError {
  const details = { field: 'bytes' }
  return new JobError('BASE64_DECODE_ERROR', 'The bytes are not base64', { details, unsent: true, cause })
}

function isLead(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff
}
