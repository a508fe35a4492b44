/** The job types of the file store. */
import type { Handler } from '../../handler.ts'
import type { Masks } from '../../lib/secret-mask.ts'
import type { Blobs } from '../../services/blobs/blobs.ts'
import { blobDelete } from './delete.ts'
import { blobGet } from './get.ts'
import { blobList } from './list.ts'
import { blobPut } from './put.ts'
import { blobStat } from './stat.ts'

/** All of them, on this store. */
export function blobHandlers({
  blobs,
  secrets,
}: {
  readonly blobs: Blobs
  readonly secrets: Masks
}): readonly Handler[] {
  return [blobDelete(blobs), blobGet(blobs, secrets), blobList(blobs), blobPut(blobs), blobStat(blobs)]
}
