/** Payloads that jobs only refer to: `payload_ref`. */
import { JobError } from '../errors.ts'
import type { Clock } from '../lib/clock.ts'
import { mostJsonValues, readAtOnce, readJsonContent } from '../lib/json-content.ts'
import { restated } from '../lib/restated-error.ts'
import { Turns } from '../lib/turns.ts'
import { payloadPath } from '../protocol/assignment.ts'
import type { Blobs } from './blobs/blobs.ts'

/** Finds what a `payload_ref` stands for. */
export interface Payloads {
  /**
   * The JSON that the tenant's blob holds. Rejects with INVALID_INPUT (no reference, or nested too deeply), PARSE_ERROR
   * (no JSON), QUOTA_EXCEEDED (longer than FS_MAX_BLOB_BYTES, or of too many values) and as Blobs does;
   * `details.field` is `payload_ref`.
   */
  read(tenantId: string, reference: unknown, signal: AbortSignal): Promise<unknown>
}

const field = 'payload_ref'

/** Payloads in the file store. */
export function openPayloads(blobs: Pick<Blobs, 'read' | 'maxBlobBytes'>, clock: Clock): Payloads {
  const turns = new Turns()
  return {
    async read(tenantId, reference, signal) {
      const path = payloadPath(reference)
      const bytes = await contentOf(blobs, tenantId, path, signal)
      if (bytes.length > readAtOnce) await turns.next(clock)
      signal.throwIfAborted()
      return parsed(bytes)
    },
  }
}

async function contentOf(
  blobs: Pick<Blobs, 'read' | 'maxBlobBytes'>,
  tenantId: string,
  path: string,
  signal: AbortSignal,
): Promise<Uint8Array> {
  try {
    await using reading = await blobs.read(tenantId, path, { signal })
    return await reading.bytes(blobs.maxBlobBytes)
  } catch (thrown) {
    throw thrown instanceof JobError ? restated(thrown, { details: { field }, unsent: true }) : thrown
  }
}

function parsed(bytes: Uint8Array): unknown {
  const content = readJsonContent(bytes)
  switch (content) {
    case 'malformed':
      throw new JobError('PARSE_ERROR', 'What the payload_ref names is not JSON', { details: { field } })
    case 'deep':
      throw new JobError('INVALID_INPUT', 'What the payload_ref names is nested too deeply', { details: { field } })
    case 'wide': {
      const details = { field, reason: 'values', limit: mostJsonValues }
      throw new JobError('QUOTA_EXCEEDED', 'What the payload_ref names holds more values than are read', { details })
    }
    default:
      return content.value
  }
}
