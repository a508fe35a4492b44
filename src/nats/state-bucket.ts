/** The bucket that the fleet keeps its state in. */
import { jetstream, StorageType, type StreamInfo } from '@nats-io/jetstream'
import { Kvm } from '@nats-io/kv'
import type { NatsConnection } from '@nats-io/nats-core'
import { absence, apiOptions, openManager } from './jetstream-api.ts'

/** One bucket for all fleets of an account; the keys tell assignments apart. */
const bucket = 'BEAMLINE_STATE'
/** The stream that a server keeps the bucket in. */
export const stateStream = `KV_${bucket}`
/** How many values of a key are kept, the newest included, for whoever wants to know how it came about. */
const history = 10

/** Finds the bucket; undefined when there is none. Rejects when it is not known. */
export async function findStateBucket(nats: NatsConnection): Promise<StreamInfo | undefined> {
  const manager = await openManager(nats)
  try {
    return await manager.streams.info(stateStream)
  } catch (error) {
    if (absence(error) !== 'not-found') throw error
    return undefined
  }
}

/** Makes the bucket, or finds that somebody else just has. */
export async function makeStateBucket(nats: NatsConnection, replicas: number): Promise<StreamInfo> {
  const options = { history, replicas, allow_direct: false, description: 'What Beamline workers keep for each other.' }
  await new Kvm(jetstream(nats, apiOptions)).create(bucket, options)
  const manager = await openManager(nats)
  return manager.streams.info(stateStream)
}

/** Why a bucket that somebody else made may lose records; undefined: it does not. */
export function bucketFault({ config }: StreamInfo): string | undefined {
  if (config.max_age > 0) return 'it drops what is older than its max_age'
  if (config.max_msgs > 0) return 'it holds a limited number of messages (max_msgs)'
  if (config.storage !== StorageType.File) return 'it is kept in memory, so a restart of the server loses it'
  return undefined
}
