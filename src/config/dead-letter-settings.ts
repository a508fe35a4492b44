/** The settings of dead letters. */
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { flag, natsName, path, size, wholeNumber } from './kinds.ts'
import { optional, setting } from './setting.ts'

export const deadLettersSettings = {
  path: setting(
    'DLQ_PATH',
    path,
    process.platform === 'win32'
      ? {
          kind: 'derived',
          words: "worker-dlq.jsonl in the user's temporary folder",
          make: () => join(tmpdir(), 'worker-dlq.jsonl'),
        }
      : '/tmp/worker-dlq.jsonl',
    "File for dead letters; those that are the caller's fault go to <name>.rejected.<ext> beside it.",
  ),
  maxBytes: setting(
    'DLQ_MAX_BYTES',
    size('1MB', '10GB'),
    '100MB',
    'Size at which the file is put aside for a new one.',
  ),
  maxRotations: setting(
    'DLQ_MAX_ROTATIONS',
    wholeNumber(1, 100),
    '5',
    'Most files that were put aside; the oldest goes first.',
  ),
  totalMaxBytes: setting(
    'DLQ_TOTAL_MAX_BYTES',
    size('1MB', '100GB'),
    '1GB',
    'Most that all files take together, at every moment.',
  ),
  maxAgeDays: optional('DLQ_MAX_AGE_DAYS', wholeNumber(1, 36_500), 'Age at which dead letters are removed.'),
  fsync: setting(
    'DLQ_FSYNC',
    flag,
    'false',
    'Wait for the disk with each dead letter, so that a power cut loses none.',
  ),
  stream: optional(
    'DLQ_STREAM',
    natsName,
    'JetStream stream for dead letters that the fleet shares; the file is used when it fails.',
  ),
  autoReplay: setting(
    'DLQ_AUTO_REPLAY',
    flag,
    'false',
    'Publish results that could not be published, by itself, once NATS is back.',
  ),
}
