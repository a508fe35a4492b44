/** What an output says of a blob. */
import { z } from 'zod'
import type { BlobInfo } from '../../services/blobs/blobs.ts'

/** Of any blob. */
export const blobFields = {
  path: z.string().describe('Its path, as it was normalised.'),
  size: z.int().describe('The size of the whole blob in bytes.'),
  sha256: z
    .string()
    .optional()
    .describe('Of the whole blob, in hexadecimal, as computed when it was put; not there for files of other origin.'),
  modified: z.string().describe('When it was put, as RFC 3339.'),
  content_type: z.string().optional().describe('As it was put.'),
  metadata: z.record(z.string(), z.string()).optional().describe('As it was put.'),
  expires: z.string().optional().describe('When it may be removed, as RFC 3339.'),
}

/** What is known of one blob. */
export const blobOutput = z.object(blobFields)

/** The same from the store. */
export function outputOf({ path, size, sha256, modified, contentType, metadata, expires }: BlobInfo) {
  return {
    path,
    size,
    ...(sha256 === undefined ? {} : { sha256 }),
    modified,
    ...(contentType === undefined ? {} : { content_type: contentType }),
    ...(metadata === undefined ? {} : { metadata }),
    ...(expires === undefined ? {} : { expires }),
  }
}

/** What the handlers show in sandbox mode. */
export const sampleBlob = {
  path: 'reports/2026.csv',
  size: 5,
  sha256: '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824',
  modified: '2026-01-02T03:04:05.678Z',
  content_type: 'text/csv',
}
