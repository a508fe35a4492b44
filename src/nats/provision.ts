/** Finds out how assignments arrive, and makes what is missing. Changes nothing that exists, and deletes nothing. */

import {
  AckPolicy,
  type ConsumerInfo,
  DeliverPolicy,
  DiscardPolicy,
  type JetStreamManager,
  ReplayPolicy,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
  type StreamInfo,
} from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/nats-core'
import { nanos } from '@nats-io/nats-core'
import type { Config } from '../config/schema.ts'
import { unusable } from './consumer-fitness.ts'
import { GiveBackRecords } from './give-back-records.ts'
import { absence, openManager, reasonOf, unlessAbsent } from './jetstream-api.ts'

/** The stream of results that `require` makes: how long it keeps them, and for how long it drops repetitions, in ms. */
export const resultStream = { name: 'CAF_RESULTS', maxAgeMs: 72 * 3_600_000, duplicateWindowMs: 600_000 }

type ProvisionConfig = Pick<Config, 'jetstream' | 'subjects'>

/** A stream that captures the assignments, with the consumer and the records that the fleet shares. */
export interface Found {
  readonly kind: 'jetstream'
  readonly stream: string
  /** Tells this stream from one of the same name that was made later. */
  readonly identity: string
  readonly consumer: ConsumerInfo
  readonly records: GiveBackRecords
}

/**
 * - `core`: for certain no stream captures the assignments
 * - `no-jetstream`: for certain the server or the account has no JetStream
 * - `not-ready`: not known, or something is in the way; worth asking again
 */
export type Provision =
  | Found
  | { readonly kind: 'core' }
  | { readonly kind: 'no-jetstream' }
  | { readonly kind: 'not-ready'; readonly reason: string }

/** Asks the server, and in mode `require` makes the streams; never throws. */
export async function provision(nats: NatsConnection, config: ProvisionConfig): Promise<Provision> {
  try {
    const manager = await openManager(nats)
    const stream = await assignmentStream(manager, config)
    if (stream === undefined) return { kind: 'core' }
    const consumer = await sharedConsumer(manager, stream, config)
    const problem = unusable(consumer, stream, config.subjects.assign)
    if (problem !== undefined) return { kind: 'not-ready', reason: `consumer ${consumer.name}: ${problem}` }
    const identity = `${stream.config.name}:${stream.created}`
    const records = await GiveBackRecords.open(nats, {
      stream: stream.config.name,
      created: stream.created,
      consumer: consumer.name,
      replicas: config.jetstream.replicas,
    })
    return { kind: 'jetstream', stream: stream.config.name, identity, consumer, records }
  } catch (error) {
    if (absence(error) === 'no-jetstream') return { kind: 'no-jetstream' }
    return { kind: 'not-ready', reason: reasonOf(error) }
  }
}

async function assignmentStream(manager: JetStreamManager, config: ProvisionConfig): Promise<StreamInfo | undefined> {
  const { assign, result } = config.subjects
  const { mode, stream, replicas, maxBytes, maxAgeMs } = config.jetstream
  const found = await capturing(manager, assign)
  if (mode !== 'require') return found
  const assignments =
    found ??
    (await make(manager, {
      name: stream,
      subjects: [assign],
      retention: RetentionPolicy.Workqueue,
      num_replicas: replicas,
      ...(maxBytes === undefined ? {} : { max_bytes: maxBytes }),
      ...(maxAgeMs === undefined ? {} : { max_age: nanos(maxAgeMs) }),
    }))
  if ((await capturing(manager, result)) === undefined)
    await make(manager, {
      name: resultStream.name,
      subjects: [result],
      retention: RetentionPolicy.Limits,
      num_replicas: replicas,
      max_age: nanos(resultStream.maxAgeMs),
      duplicate_window: nanos(resultStream.duplicateWindowMs),
    })
  return assignments
}

/** The stream that captures a subject. Rejects when that is not known, or when there is no JetStream. */
async function capturing(manager: JetStreamManager, subject: string): Promise<StreamInfo | undefined> {
  try {
    return await manager.streams.info(await manager.streams.find(subject))
  } catch (error) {
    if (absence(error) === 'not-found') return undefined
    throw error
  }
}

type Wanted = Partial<StreamConfig> & Pick<StreamConfig, 'name' | 'subjects' | 'retention'>

/** Makes a stream and reads it back: old servers drop what they do not know without a word. */
async function make(manager: JetStreamManager, wanted: Wanted): Promise<StreamInfo> {
  await manager.streams.add({ storage: StorageType.File, discard: DiscardPolicy.New, ...wanted })
  const made = await manager.streams.info(wanted.name)
  const { retention, storage, subjects } = made.config
  if (retention !== wanted.retention || storage !== StorageType.File || subjects[0] !== wanted.subjects[0])
    throw new Error(`the stream ${wanted.name} is not as it was asked for`)
  return made
}

async function sharedConsumer(
  manager: JetStreamManager,
  stream: StreamInfo,
  config: ProvisionConfig,
): Promise<ConsumerInfo> {
  const { name } = stream.config
  const { consumer, ackWaitMs } = config.jetstream
  const existing = await unlessAbsent(manager.consumers.info(name, consumer))
  if (existing !== undefined) return existing
  await manager.consumers.add(name, {
    durable_name: consumer,
    description: 'Shared by all workers. Do not delete: what the workers hold would be delivered again.',
    filter_subject: config.subjects.assign,
    ack_policy: AckPolicy.Explicit,
    ack_wait: nanos(ackWaitMs),
    deliver_policy: DeliverPolicy.All,
    replay_policy: ReplayPolicy.Instant,
    max_ack_pending: -1,
    max_deliver: -1,
  })
  return manager.consumers.info(name, consumer)
}
