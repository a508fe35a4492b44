/** The job type `fs_blob_delete`: removes a file. */
import { z } from 'zod'
import { defineHandler, type Effect, type Handler } from '../../handler.ts'
import type { Blobs } from '../../services/blobs/blobs.ts'
import { blobInput, pathField, sha256Field } from './blob-input.ts'
import { sampleBlob } from './blob-output.ts'

const input = blobInput(
  z.object({
    path: pathField,
    missing_ok: z.boolean().default(false).describe('Whether it is a success, too, when there is no such blob.'),
    if_sha256: sha256Field
      .optional()
      .describe('Removed only where the blob that is there has this SHA-256, else PRECONDITION_FAILED.'),
  }),
)

/** The handler, removing there. */
export function blobDelete(blobs: Blobs): Handler {
  return defineHandler({
    type: 'fs_blob_delete',
    aliases: ['fs.blob_delete', 'fs.delete'],
    summary: 'Removes a file.',
    pool: 'io',
    effect,
    sandbox: 'sample',
    input,
    output: z.object({
      path: z.string().describe('The path that was asked for.'),
      deleted: z.boolean().describe('Whether there was one.'),
    }),
    example: { path: sampleBlob.path, missing_ok: true },
    sample: { path: sampleBlob.path, deleted: true },
    async run({ path, missing_ok: missingOk, if_sha256: ifSha256 }, { tenantId, signal }) {
      const options = { missingOk, signal, ...(ifSha256 !== undefined && { ifSha256 }) }
      return { path, deleted: await blobs.remove(tenantId, path, options) }
    },
  })
}

/** Repeated, it fails on what the first try has removed, unless that may be missing. */
function effect({ missing_ok: missingOk, if_sha256: ifSha256 }: z.output<typeof input>): Effect {
  return missingOk && ifSha256 === undefined ? 'idempotent' : 'once'
}
