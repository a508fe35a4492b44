/** The job type `fs_blob_get`: gives back a file, or a part of it. */
import { z } from 'zod'
import { JobError } from '../../errors.ts'
import { defineHandler, type Handler } from '../../handler.ts'
import { mostJsonLevels, mostJsonValues, readAtOnce, readJsonContent } from '../../lib/json-content.ts'
import type { Masks } from '../../lib/secret-mask.ts'
import { Turns } from '../../lib/turns.ts'
import type { BlobRange, Blobs } from '../../services/blobs/blobs.ts'
import { addProblems } from '../http/input-error.ts'
import { blobInput, pathField } from './blob-input.ts'
import { blobFields, outputOf, sampleBlob } from './blob-output.ts'
import { refuseLong } from './output-size.ts'
import { verifiedBytes, within } from './verify.ts'

const place = z.int().min(0)

const input = blobInput(
  z
    .object({
      path: pathField,
      range: z
        .object({ start: place.default(0), end: place.optional() })
        .refine(({ start, end }) => end === undefined || end >= start, { path: ['end'], error: 'Before the start' })
        .optional()
        .describe(
          '`{start, end}` in bytes: from `start` (0) up to and without `end` (the end of the blob), as slices are cut; not as in HTTP, where the end is included.',
        ),
      encoding: z
        .enum(['base64', 'text', 'json'])
        .default('base64')
        .describe('What comes back: `base64` gives `bytes`, `text` (UTF-8) gives `content`, `json` gives `json`.'),
      verify: z
        .boolean()
        .default(false)
        .describe('Whether the whole blob is read and must have the SHA-256 that it was put with, else DATA_CORRUPT.'),
    })
    .superRefine(({ encoding, range }, context) => {
      if (encoding !== 'json' || range === undefined) return
      addProblems([{ path: ['range'], problem: 'A part of a blob is not read as JSON' }], context)
    }),
)

const output = z.object({
  ...blobFields,
  bytes: z.string().optional().describe('The content in base64.'),
  content: z.string().optional().describe('The content as text.'),
  json: z.unknown().optional().describe('The content as JSON.'),
  range: z
    .object({ start: z.int(), end: z.int() })
    .optional()
    .describe('Where the content stands in the blob, when a `range` was asked for.'),
})

/** The handler, reading there; what it encodes could not be masked any more from outside. */
export function blobGet(blobs: Blobs, masks: Masks): Handler {
  const turns = new Turns()
  return defineHandler({
    type: 'fs_blob_get',
    aliases: ['fs.blob_get', 'fs.get'],
    summary: 'Reads a file.',
    pool: 'io',
    effect: () => 'none',
    sandbox: 'sample',
    input,
    output,
    example: { path: 'reports/2026.csv', encoding: 'text' },
    sample: { ...sampleBlob, content: 'hello' },
    async run({ path, range: asked, encoding, verify: isVerified }, context) {
      const { tenantId, signal, clock } = context
      const wanted = asked && rangeOf(asked)
      await using reading = await blobs.read(tenantId, path, {
        signal,
        ...(!isVerified && wanted && { range: wanted }),
      })
      const { info } = reading
      const range = isVerified ? within(info.size, wanted) : reading.range
      refuseLong(range, encoding, { maxBytes: blobs.maxBlobBytes, maxOutputBytes: context.maxOutputBytes })
      const bytes = isVerified ? await verifiedBytes(reading, range, signal) : await reading.bytes(blobs.maxBlobBytes)
      const about = { ...outputOf(info), ...(asked && { range }) }
      switch (encoding) {
        case 'base64':
          return { ...about, bytes: masks.maskFor(tenantId).bytes(bytes).toBase64() }
        case 'text':
          return { ...about, content: textOf(bytes) }
        case 'json':
          if (bytes.length > readAtOnce) await turns.next(clock)
          signal.throwIfAborted()
          return { ...about, json: jsonOf(bytes) }
        default:
          return encoding satisfies never
      }
    },
  })
}

function rangeOf({ start, end }: { readonly start: number; readonly end?: number | undefined }): BlobRange {
  return end === undefined ? { start } : { start, end }
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** A byte order mark stays: it is part of what was put. */
function textOf(bytes: Uint8Array): string {
  try {
    return strictUtf8.decode(bytes)
  } catch {
    throw new JobError('INVALID_FORMAT', 'The content is not UTF-8', { details: { encoding: 'text' } })
  }
}

function jsonOf(bytes: Uint8Array): unknown {
  const content = readJsonContent(bytes)
  if (typeof content === 'object') return content.value
  if (content === 'malformed') {
    throw new JobError('PARSE_ERROR', 'The content is not JSON', { details: { encoding: 'json' } })
  }
  const details =
    content === 'deep' ? { reason: 'levels', limit: mostJsonLevels } : { reason: 'values', limit: mostJsonValues }
  throw new JobError('QUOTA_EXCEEDED', 'The content is more JSON than is read', { details })
}
