/** The job type `fs_blob_list`: which files there are. */
import { z } from 'zod'
import { defineHandler, type Handler } from '../../handler.ts'
import type { Blobs } from '../../services/blobs/blobs.ts'
import { textUpTo } from '../http/bounded.ts'
import { blobInput, longestPath } from './blob-input.ts'
import { blobOutput, outputOf, sampleBlob } from './blob-output.ts'

const input = blobInput(
  z.object({
    prefix: textUpTo(longestPath).optional().describe('What their paths begin with.'),
    limit: z.int().min(1).max(1000).default(100).describe('The most that are listed, 1,000 at most.'),
    cursor: textUpTo(4096).optional().describe('The `next` of the page before.'),
  }),
)

/** The handler, listing what is there. */
export function blobList(blobs: Blobs): Handler {
  return defineHandler({
    type: 'fs_blob_list',
    aliases: ['fs.blob_list', 'fs.list'],
    summary: 'Lists files by their paths.',
    pool: 'io',
    effect: () => 'none',
    sandbox: 'sample',
    input,
    output: z.object({
      items: z.array(blobOutput).describe('The blobs in the order of their paths, as `fs_blob_stat` tells them.'),
      next: z.string().optional().describe('The `cursor` of the next page, when there is one.'),
    }),
    example: { prefix: 'reports/' },
    sample: { items: [sampleBlob] },
    async run({ prefix, limit, cursor }, { tenantId, signal }) {
      const wanted = { limit, signal, ...(prefix !== undefined && { prefix }), ...(cursor !== undefined && { cursor }) }
      const { items, next } = await blobs.list(tenantId, wanted)
      return { items: items.map(outputOf), ...(next === undefined ? {} : { next }) }
    },
  })
}
