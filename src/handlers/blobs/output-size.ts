/** Which blobs, or parts of blobs, can be the output of a job. */
import { JobError } from '../../errors.ts'
import type { BlobRange } from '../../services/blobs/blobs.ts'

/** How content comes back. */
type Encoding = 'base64' | 'text' | 'json'

/** Without white space and escapes JSON may become shorter; what it seldom becomes is this many times shorter. */
const mostShrinking = 8

/** Throws QUOTA_EXCEEDED or OUTPUT_TOO_LARGE for a range that is not to be read, as it could not be answered. */
export function refuseLong(
  { start, end }: Required<BlobRange>,
  encoding: Encoding,
  { maxBytes, maxOutputBytes }: { readonly maxBytes: number; readonly maxOutputBytes: number },
): void {
  const length = end - start
  if (length > maxBytes) {
    const details = { reason: 'blob', limit: maxBytes }
    throw new JobError('QUOTA_EXCEEDED', 'The blob is larger than may be read at once', { details })
  }
  const bytes = encoding === 'base64' ? 4 * Math.ceil(length / 3) : length
  const isTooLarge = (encoding === 'json' ? bytes / mostShrinking : bytes) > maxOutputBytes
  if (!isTooLarge) return
  const details = { bytes, limit: maxOutputBytes }
  throw new JobError('OUTPUT_TOO_LARGE', 'The output is larger than a message may be', { details })
}
