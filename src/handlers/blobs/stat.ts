/** The job type `fs_blob_stat`: what is known of a file. */
import { z } from 'zod'
import { defineHandler, type Handler } from '../../handler.ts'
import type { Blobs } from '../../services/blobs/blobs.ts'
import { blobInput, pathField } from './blob-input.ts'
import { blobOutput, outputOf, sampleBlob } from './blob-output.ts'

/** The handler, looking there. */
export function blobStat(blobs: Blobs): Handler {
  return defineHandler({
    type: 'fs_blob_stat',
    aliases: ['fs.blob_stat', 'fs.stat'],
    summary: 'Tells what is known of a file, without its content.',
    pool: 'io',
    effect: () => 'none',
    sandbox: 'sample',
    input: blobInput(z.object({ path: pathField })),
    output: blobOutput,
    example: { path: sampleBlob.path },
    sample: sampleBlob,
    run: async ({ path }, { tenantId, signal }) => outputOf(await blobs.stat(tenantId, path, signal)),
  })
}
