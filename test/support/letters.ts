/** Dead letters for tests of what keeps them. */
import { ulid } from 'ulid'
import { noMask } from '../../src/lib/secret-mask.ts'
import { type DeadLetter, type DeadLetterReason, deadLetter } from '../../src/protocol/dead-letter.ts'
import type { JsonObject } from '../../src/protocol/json.ts'
import type { DeadLetterStore, KeptDeadLetter } from '../../src/store/dead-letter-store.ts'

interface Wanted {
  /** Milliseconds since 1970; without it, each is a millisecond after the one before. */
  readonly timestamp?: number
  readonly reason?: DeadLetterReason
  readonly assignmentId?: string
  readonly tenantId?: string
  readonly assignment?: JsonObject
  readonly result?: JsonObject
}

let latest = 1_790_000_000_000

/** A record of its own, as a worker makes it, without what JSON leaves out. */
export function letter({ timestamp = ++latest, reason = 'MAX_DELIVERIES', ...wanted }: Wanted = {}): DeadLetter {
  const { assignmentId = 'job-1', tenantId = 'acme', assignment = { input: 'x' }, result } = wanted
  const record = deadLetter({
    ...{ id: ulid(timestamp), timestamp, reason, assignment, result },
    workerId: 'worker-1',
    subject: 'caf.exec.assign.v1',
    body: new Uint8Array([1]),
    headers: { version: '1' },
    form: 'bare',
    caller: { assignmentId, tenantId, jobType: 'echo', form: 'bare' },
    mask: noMask,
  })
  return JSON.parse(JSON.stringify(record)) as DeadLetter // What it was made of, again.
}

/** Everything that a store keeps, newest first. */
export async function allOf(store: DeadLetterStore): Promise<readonly KeptDeadLetter[]> {
  return Array.fromAsync(store.entries(new AbortController().signal))
}
