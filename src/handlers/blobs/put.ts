/** The job type `fs_blob_put`: stores a file whole, or not at all. */
import { z } from 'zod'
import { JobError } from '../../errors.ts'
import { defineHandler, type Effect, type Handler, type JobContext } from '../../handler.ts'
import { referencedPath } from '../../lib/blob-reference.ts'
import { restated } from '../../lib/restated-error.ts'
import type { Blobs, PutBlob } from '../../services/blobs/blobs.ts'
import { textUpTo } from '../http/bounded.ts'
import { addProblems, type Problem } from '../http/input-error.ts'
import { blobInput, longestPath, pathField, putFields, putOptions } from './blob-input.ts'
import { sampleBlob } from './blob-output.ts'
import { base64Bytes, textBytes } from './content.ts'

const contentFields = {
  bytes: z.string().optional().describe('The content in base64.'),
  content: z
    .string()
    .refine((text) => text.isWellFormed(), { error: 'Holds half of a character' })
    .optional()
    .describe('The content as text, stored in UTF-8.'),
  from: textUpTo(longestPath)
    .refine((reference) => referencedPath(reference) !== undefined, { error: 'Not of the form fs:<path>' })
    .optional()
    .describe(
      'The content of another blob, as `fs:<path>`; its content type and metadata are taken over where none are given.',
    ),
}

const input = blobInput(
  z
    .object({ path: pathField, ...contentFields, ...putFields })
    .superRefine((given, context) => addProblems(contentProblems(given), context)),
)

type PutInput = z.output<typeof input>

/** The handler, storing there. */
export function blobPut(blobs: Blobs): Handler {
  return defineHandler({
    type: 'fs_blob_put',
    aliases: ['fs.blob_put', 'fs.put'],
    summary: 'Stores a file.',
    pool: 'io',
    effect,
    sandbox: 'sample',
    input,
    output: z.object({
      path: z.string().describe('Its path, as it was normalised.'),
      size: z.int().describe('In bytes.'),
      size_bytes: z.int().describe('The same.'),
      sha256: z.string().describe('In hexadecimal.'),
      created: z.boolean().describe('Whether no blob was there before.'),
    }),
    example: { path: 'reports/2026.csv', content: 'hello' },
    sample: { path: sampleBlob.path, size: 5, size_bytes: 5, sha256: sampleBlob.sha256, created: true },
    async run(given, context) {
      const { path, size, sha256, created } = await put(given, blobs, context)
      return { path, size, size_bytes: size, sha256, created }
    },
  })
}

/** Repeated, a condition fails on what the first try has put there. */
function effect({ overwrite, if_sha256: ifSha256 }: PutInput): Effect {
  return overwrite && ifSha256 === undefined ? 'idempotent' : 'once'
}

async function put(given: PutInput, blobs: Blobs, { tenantId, signal }: JobContext): Promise<PutBlob> {
  const { path, bytes, content, from } = given
  const options = { ...putOptions(given), signal }
  if (content !== undefined) return blobs.put(tenantId, path, pieces(textBytes(content)), options)
  if (bytes !== undefined) return blobs.put(tenantId, path, pieces(base64Bytes(bytes)), options)
  await using source = await open(blobs, tenantId, referencedPath(from) ?? '', signal)
  const { contentType, metadata } = source.info
  const inherited = { ...(contentType && { contentType }), ...(metadata && { metadata }) }
  return await blobs.put(tenantId, path, source.stream(), { ...inherited, ...options })
}

async function open(blobs: Blobs, tenantId: string, path: string, signal: AbortSignal) {
  try {
    return await blobs.read(tenantId, path, { signal })
  } catch (thrown) {
    throw thrown instanceof JobError ? restated(thrown, { details: { field: 'from' }, unsent: true }) : thrown
  }
}

async function* pieces(bytes: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* bytes
}

function contentProblems(given: z.output<z.ZodObject<typeof contentFields>>): readonly Problem[] {
  const [first, ...others] = Object.keys(contentFields).filter((name) => Reflect.get(given, name) !== undefined)
  // Nothing is there under that name, so it is told as what is missing.
  if (first === undefined) return [{ path: ['bytes, content or from'], problem: 'Missing' }]
  return others.map((name) => ({ path: [name], problem: `There is content already, in ${first}` }))
}
