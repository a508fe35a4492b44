import type { NatsConnection } from '@nats-io/nats-core'
import { absence, reasonOf } from './jetstream-api.ts'
import { bucketFault, findStateBucket } from './state-bucket.ts'

/** The bucket of the state as a worker finds it; `fault`: why it may lose records. */
export type StateBucket =
  | { readonly kind: 'there'; readonly fault: string | undefined }
  | { readonly kind: 'missing' | 'no-jetstream' }
  | { readonly kind: 'unknown'; readonly reason: string }

/** Asks the server; never throws. */
export async function lookAtState(nats: NatsConnection): Promise<StateBucket> {
  try {
    const found = await findStateBucket(nats)
    return found === undefined ? { kind: 'missing' } : { kind: 'there', fault: bucketFault(found) }
  } catch (error) {
    return absence(error) === 'no-jetstream' ? { kind: 'no-jetstream' } : { kind: 'unknown', reason: reasonOf(error) }
  }
}
