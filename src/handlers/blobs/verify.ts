/** Whether a blob is still what was put. */
import { JobError } from '../../errors.ts'
import type { BlobRange, BlobReading } from '../../services/blobs/blobs.ts'

/** A range as it falls within a blob of this size. Throws INVALID_INPUT when it begins behind the end. */
export function within(size: number, { start, end = size }: BlobRange = { start: 0 }): Required<BlobRange> {
  if (start <= size) return { start, end: Math.min(end, size) }
  const details = { field: 'range', size }
  throw new JobError('INVALID_INPUT', 'The range lies outside the blob', { details })
}

/**
 * The bytes of a range out of a reading of the whole blob, all of which is read. Rejects with DATA_CORRUPT when it has
 * another SHA-256 than it was put with, or when none is known.
 */
export async function verifiedBytes(
  reading: Pick<BlobReading, 'info' | 'stream'>,
  range: Required<BlobRange>,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const { info } = reading
  if (info.sha256 === undefined) throw corrupt('unknown')
  const hash = new Bun.CryptoHasher('sha256')
  const bytes = new Uint8Array(range.end - range.start)
  let read = 0
  for await (const piece of reading.stream()) {
    signal.throwIfAborted()
    hash.update(piece)
    const from = Math.max(0, range.start - read)
    const to = Math.min(piece.length, range.end - read)
    if (from < to) bytes.set(piece.subarray(from, to), read + from - range.start)
    read += piece.length
  }
  if (hash.digest('hex') !== info.sha256) throw corrupt('sha256')
  return bytes
}

/** `unknown`: something else than this store has written it. */
function corrupt(reason: 'sha256' | 'unknown'): JobError {
  return new JobError('DATA_CORRUPT', 'The blob is not what was put', { details: { reason } })
}
