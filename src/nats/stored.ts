/** What JetStream holds for a worker, found without changing anything. */
import type { JetStreamManager, StreamInfo } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/nats-core'
import type { Config } from '../config/schema.ts'
import { type Subjects, subjectsOf } from '../protocol/subjects.ts'
import { covers, deliveryLimit, unusable } from './consumer-fitness.ts'
import { recordStream } from './give-back-records.ts'
import { absence, openManager, reasonOf, unlessAbsent } from './jetstream-api.ts'

type LookingConfig = Pick<Config, 'jetstream' | 'subjects'>

/** A consumer as a fleet finds it. */
interface SharedConsumer {
  /** Why it cannot be used. */
  readonly problem: string | undefined
  /** After how many deliveries it loses a message, where it does. */
  readonly deliveryLimit: number | undefined
}

/** The stream that assignments arrive in. */
export interface AssignmentStream {
  readonly name: string
  readonly retention: string
  /** Which other subjects of ours it captures too. */
  readonly alsoCaptures: readonly (keyof Subjects)[]
  /** When it was made, RFC 3339. */
  readonly created: string
  /** The consumer the fleet shares; undefined when it is not there yet. */
  readonly consumer: SharedConsumer | undefined
}

/** What JetStream holds for us. */
export type Stored =
  | { readonly kind: 'off' | 'none' }
  | { readonly kind: 'unknown'; readonly reason: string }
  | {
      readonly kind: 'there'
      readonly assignments: AssignmentStream | undefined
      /** The name of the stream that captures the results. */
      readonly results: string | undefined
      /** Whether the bucket of the give-back records is there. */
      readonly records: boolean
    }

/** Asks the server; never throws. */
export async function lookAtStreams(nats: NatsConnection, config: LookingConfig): Promise<Stored> {
  if (config.jetstream.mode === 'off') return { kind: 'off' }
  try {
    const manager = await openManager(nats)
    // A user whose permissions hide this answer may still be allowed what follows.
    await manager.getAccountInfo().catch((error: unknown) => {
      if (absence(error) === 'no-jetstream') throw error
    })
    const assignments = await capturing(manager, config.subjects.assign)
    const results = await capturing(manager, config.subjects.result)
    return {
      kind: 'there',
      assignments: assignments && (await lookAtStream(manager, assignments, config)),
      results: results?.config.name,
      records: (await unlessNotFound(manager.streams.info(recordStream))) !== undefined,
    }
  } catch (error) {
    return absence(error) === 'no-jetstream' ? { kind: 'none' } : { kind: 'unknown', reason: reasonOf(error) }
  }
}

async function capturing(manager: JetStreamManager, subject: string): Promise<StreamInfo | undefined> {
  const name = await unlessNotFound(manager.streams.find(subject))
  return name === undefined ? undefined : unlessNotFound(manager.streams.info(name))
}

async function unlessNotFound<T>(question: Promise<T>): Promise<T | undefined> {
  try {
    return await question
  } catch (error) {
    if (absence(error) !== 'not-found') throw error
    return undefined
  }
}

async function lookAtStream(
  manager: JetStreamManager,
  found: StreamInfo,
  { jetstream, subjects }: LookingConfig,
): Promise<AssignmentStream> {
  const { config: stream, created } = found
  const info = await unlessAbsent(manager.consumers.info(stream.name, jetstream.consumer))
  // The keys of an object that is typed by its keys.
  const names = Object.keys(subjects) as (keyof Subjects)[]
  const captured = (name: keyof Subjects): boolean =>
    name !== 'assign' &&
    stream.subjects.some((pattern) => subjectsOf(subjects, name).some((subject) => covers(pattern, subject)))
  return {
    name: stream.name,
    retention: stream.retention,
    alsoCaptures: names.filter(captured),
    created,
    consumer: info && { problem: unusable(info, found, subjects.assign), deliveryLimit: deliveryLimit(info) },
  }
}
