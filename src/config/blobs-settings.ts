/** The settings of the file store of jobs. */
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { flag, size, text, wholeNumber } from './kinds.ts'
import { optional, setting } from './setting.ts'

/** Where blobs are kept, how many and how long. */
export const blobsSettings = {
  baseDir: setting(
    'FS_BASE_DIR',
    text('path of a folder'),
    process.platform === 'win32'
      ? {
          kind: 'derived',
          words: "worker-storage in the user's temporary folder",
          make: () => join(tmpdir(), 'worker-storage'),
        }
      : '/tmp/worker-storage',
    'Folder of the blobs that jobs store and read.',
  ),
  maxBlobBytes: setting('FS_MAX_BLOB_BYTES', size('1B', '1TB'), '16MB', 'Largest blob that may be stored.'),
  tenantIsolation: setting(
    'FS_TENANT_ISOLATION',
    flag,
    'false',
    'Give each tenant a folder of its own, and let it name no other.',
  ),
  ttlSeconds: optional(
    'FS_TTL_SECONDS',
    wholeNumber(1, 3_153_600_000),
    'Age at which files are removed that have no time of their own, whoever put them there; without it, never.',
  ),
  maxTotalBytes: optional(
    'FS_MAX_TOTAL_BYTES',
    size('1B', '1000TB'),
    'The most that all blobs together may hold; without it, whatever the disk holds.',
  ),
}
